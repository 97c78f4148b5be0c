import type { Message } from '../../method/records';
import { isBlank, parseJson } from './json-text';
import { given, isMapping, refuse, RowError, type Mapping } from './row-error';
import { checkAnswers, toolCallsOf } from './tool-turns';

/** A turn as a row has it. */
export interface RawTurn {
  /** Place within the row, such as `messages[1]`. */
  readonly path: string;
  readonly turn: unknown;
  /** Names of its keys: role/content, or from/value. */
  readonly roleKey: string;
  readonly textKey: string;
  /** Place of its text, where that is a column of its own. */
  readonly textPath?: string;
  /** False: only what comes after it is to be learned. */
  readonly train?: boolean;
}

/** Our name of a role by the names that data sets use: those of `ROLE` in python/rehearse_ml/conversations.py, and of tools. */
const ROLES: Readonly<Record<string, Message['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  human: 'user',
  prompter: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  chatgpt: 'assistant',
  bing: 'assistant',
  bard: 'assistant',
  model: 'assistant',
  function_call: 'assistant',
  tool: 'tool',
  observation: 'tool',
  function_response: 'tool',
};

/** Keys of a turn that say something which is not taken, and what is. */
const REFUSED_KEYS: Readonly<Record<string, string>> = {
  function_call: 'tool_calls, its newer form,',
  audio: 'text alone',
  images: 'text alone',
  train_detail: 'train or weight for a whole turn',
};

/**
 * The turns of a row as messages: an optional system message, then user and assistant in turn, the assistant last; between two of the
 * assistant's, what the tools say that it called.
 * @throws RowError that says where the row is something else
 */
export function messagesOf(turns: readonly RawTurn[], path: string): Message[] {
  if (turns.length === 0) refuse(path, [], 'a list of at least 1');
  const messages = turns.map((turn, index) => messageOf(turn, index));
  const start = messages[0]?.role === 'system' ? 1 : 0;
  const kept = start === 1 && messages[0]!.content === '' ? 1 : 0; // an empty system message is none
  checkOrder(messages, turns, start, path);
  checkAnswers(
    messages,
    turns.map((turn) => turn.path),
  );
  if (!messages.some(({ role, train }) => role === 'assistant' && train !== false)) {
    throw new RowError({ path, value: 'no turn with a weight', expected: 'one of the assistant to learn from' });
  }
  return withToolNames(messages.slice(kept));
}

function messageOf({ path, turn, roleKey, textKey, textPath = `${path}.${textKey}`, train }: RawTurn, index: number): Message {
  if (!isMapping(turn)) refuse(path, turn, 'a mapping');
  const name = given(turn, roleKey);
  const key = typeof name === 'string' ? name.trim().toLowerCase() : '';
  const role = Object.hasOwn(ROLES, key) ? ROLES[key] : undefined;
  if (role === undefined) refuse(`${path}.${roleKey}`, name, '"system", "user", "assistant" or "tool"');
  for (const [refused, expected] of Object.entries(REFUSED_KEYS)) {
    const value = given(turn, refused);
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) refuse(`${path}.${refused}`, value, expected);
  }
  const calls = callsOf(turn, key, path, textKey);
  if (calls !== undefined && role !== 'assistant') refuse(`${path}.tool_calls`, calls, 'nothing: only the assistant calls tools,');
  const asCall = key === 'function_call';
  const content = asCall ? '' : textOf(turn[textKey], textPath, calls !== undefined);
  const mayBeEmpty = calls !== undefined || role === 'tool' || (role === 'system' && index === 0);
  if (isBlank(content) && !(mayBeEmpty && content === '')) {
    throw new RowError({ path: textPath, value: content === '' ? 'an empty text' : 'only white space', expected: `what the ${role} says` });
  }
  const thoughts = role === 'assistant' ? thoughtsOf(turn, path) : undefined;
  const trained = role === 'assistant' ? trainedOf(turn, path) && train !== false : true;
  return {
    role,
    content,
    ...(thoughts === undefined ? {} : { reasoning_content: thoughts }),
    ...(calls === undefined ? {} : { tool_calls: calls }),
    ...(role === 'tool' ? toolFields(turn, path) : {}),
    ...(trained ? {} : { train: false }),
  };
}

/** `null` is what the OpenAI API says beside tool calls; a list of parts is joined as templates do. */
function textOf(value: unknown, path: string, mayBeNone: boolean): string {
  if ((value === null || value === undefined) && mayBeNone) return '';
  if (!Array.isArray(value)) return typeof value === 'string' ? value : refuse(path, value, 'a text');
  const parts = (value as unknown[]).map((part, index) => {
    const text = typeof part === 'string' ? part : isMapping(part) && (part['type'] ?? 'text') === 'text' ? part['text'] : undefined;
    if (typeof text === 'string') return text;
    const kind = isMapping(part) ? part['type'] : part;
    return refuse(`${path}[${index}]`, kind, 'a part of the type "text"');
  });
  return parts.join('');
}

function callsOf(turn: Mapping, role: string, path: string, textKey: string): Message['tool_calls'] {
  const calls = given(turn, 'tool_calls');
  if (role === 'function_call') {
    // LLaMA-Factory's ShareGPT: the text of the turn is the call, or a list of calls.
    const text = turn[textKey];
    const parsed = typeof text === 'string' ? parseJson(text) : { row: text, problem: undefined };
    if (parsed.problem !== undefined) {
      refuse(`${path}.${textKey}`, text, `a call {"name": …, "arguments": {…}} as JSON (this is ${parsed.problem})`);
    }
    return toolCallsOf(Array.isArray(parsed.row) ? parsed.row : [parsed.row], `${path}.${textKey}`);
  }
  return calls === undefined || (Array.isArray(calls) && calls.length === 0) ? undefined : toolCallsOf(calls, `${path}.tool_calls`);
}

function toolFields(turn: Mapping, path: string): Pick<Message, 'tool_call_id' | 'name'> {
  const fields: { tool_call_id?: string; name?: string } = {};
  for (const key of ['tool_call_id', 'name'] as const) {
    const value = given(turn, key);
    if (value === undefined) continue;
    if (typeof value !== 'string') refuse(`${path}.${key}`, value, 'a text');
    fields[key] = value;
  }
  return fields;
}

/** By the names that data sets and servers give them: DeepSeek's and Qwen's, OpenRouter's, gpt-oss's. */
const THOUGHTS = ['reasoning_content', 'reasoning', 'thinking'] as const;

function thoughtsOf(turn: Mapping, path: string): string | undefined {
  for (const key of THOUGHTS) {
    const value = given(turn, key);
    if (value === undefined || value === '') continue;
    return typeof value === 'string' ? value : refuse(`${path}.${key}`, value, 'a text');
  }
  return undefined;
}

/** `weight` 0 or 1 of the OpenAI API; `train`, or `training`, of axolotl; `loss` of ms-swift. */
function trainedOf(turn: Mapping, path: string): boolean {
  const weight = given(turn, 'weight');
  if (weight !== undefined && weight !== 0 && weight !== 1) refuse(`${path}.weight`, weight, '0 or 1');
  let trained = weight !== 0;
  for (const key of ['train', 'training', 'loss'] as const) {
    const value = given(turn, key);
    if (value === undefined) continue;
    if (typeof value !== 'boolean') refuse(`${path}.${key}`, value, 'true or false');
    trained &&= value;
  }
  return trained;
}

const IN_TURN = '(an optional system message, then user and assistant in turn)';

function checkOrder(messages: readonly Message[], turns: readonly RawTurn[], start: number, path: string): void {
  let before: Message | undefined;
  for (const [index, message] of messages.entries()) {
    if (index < start) continue;
    const { role } = message;
    const calls = before?.tool_calls !== undefined;
    const answersCall = role === 'tool' && (calls || before?.role === 'tool');
    const expected = before === undefined || (before.role === 'assistant' && !calls) ? 'user' : calls ? 'tool' : 'assistant';
    if (role !== expected && !answersCall) {
      const { roleKey, path: where } = turns[index]!;
      const why = expected === 'tool' ? 'what the tool that was called gave back' : IN_TURN;
      throw new RowError({
        path: `${where}.${roleKey}`,
        value: JSON.stringify(role),
        expected: `"${expected}" ${expected === 'tool' ? `(${why})` : why}`,
      });
    }
    before = message;
  }
  const last = messages.at(-1);
  if (last?.role !== 'assistant') {
    throw new RowError({ path, value: `a last message by the ${last?.role}`, expected: "the assistant's answer at the end" });
  }
}

/** Some templates name the tool in its answer; a data set may have named it only in the call. */
function withToolNames(messages: readonly Message[]): Message[] {
  const names = new Map<string, string>();
  return messages.map((message) => {
    for (const { id, function: called } of message.tool_calls ?? []) if (id !== undefined) names.set(id, called.name);
    const name = message.tool_call_id === undefined ? undefined : names.get(message.tool_call_id);
    return message.role !== 'tool' || message.name !== undefined || name === undefined ? message : { ...message, name };
  });
}
