import type { Message, ToolCall } from '../../method/records';
import { parseJson } from './json-text';
import { given, isMapping, refuse, RowError, type Mapping } from './row-error';

/**
 * The calls of an assistant's turn: `{id, type, function: {name, arguments}}` of the OpenAI API, or `{name, arguments}` alone;
 * arguments as a mapping, or as the JSON text of one. Templates are given mappings, as transformers asks for.
 * @throws RowError
 */
export function toolCallsOf(value: unknown, path: string): ToolCall[] {
  if (!Array.isArray(value)) refuse(path, value, 'a list of calls');
  return (value as unknown[]).map((entry, index) => toolCall(entry, `${path}[${index}]`));
}

function toolCall(entry: unknown, path: string): ToolCall {
  if (!isMapping(entry)) refuse(path, entry, 'a call {function: {name, arguments}}');
  const type = given(entry, 'type');
  if (type !== undefined && type !== 'function') refuse(`${path}.type`, type, '"function"');
  const inner = given(entry, 'function') ?? entry;
  const where = inner === entry ? path : `${path}.function`;
  if (!isMapping(inner)) refuse(where, inner, '{name, arguments}');
  const name = given(inner, 'name');
  if (typeof name !== 'string' || name === '') refuse(`${where}.name`, name, 'the name of the function');
  const id = given(entry, 'id');
  if (id !== undefined && typeof id !== 'string') refuse(`${path}.id`, id, 'a text');
  const args = argumentsOf(given(inner, 'arguments'), `${where}.arguments`);
  return { ...(id === undefined ? {} : { id }), type: 'function', function: { name, arguments: args } };
}

function argumentsOf(value: unknown, path: string): Mapping {
  if (value === undefined) return {};
  const parsed = typeof value === 'string' ? parsedText(value, path) : value;
  if (!isMapping(parsed)) refuse(path, value, 'a mapping, or the JSON text of one');
  checkNumbers(parsed, path);
  return withoutNulls(parsed, typeof value === 'string');
}

function parsedText(text: string, path: string): unknown {
  if (text.trim() === '') return {};
  const parsed = parseJson(text);
  return parsed.problem === undefined ? parsed.row : refuse(path, text, `the JSON text of a mapping (this is ${parsed.problem})`);
}

/** Parquet gives every call the arguments of all calls, null where it has none; in a text, a null is meant. */
function withoutNulls(args: Mapping, meant: boolean): Mapping {
  return meant ? args : Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null));
}

/**
 * Sees that what tools said belongs to what was called: an answer that names a call names one of those just made, each once, and none of them
 * stays without. Where calls have no ids, their order tells.
 * @param paths of the messages
 * @throws RowError
 */
export function checkAnswers(messages: readonly Message[], paths: readonly string[]): void {
  let open: Set<string> | undefined;
  let named = false;
  for (const [index, { role, tool_calls: calls, tool_call_id: id }] of messages.entries()) {
    const path = paths[index]!;
    if (role === 'tool') {
      if (id === undefined || open === undefined) continue;
      if (!open.delete(id)) refuse(`${path}.tool_call_id`, id, 'the id of a call that was just made and has no answer yet');
      named = true;
      continue;
    }
    const [missing] = open ?? [];
    if (named && missing !== undefined) {
      throw new RowError({ path, value: `a message by the ${role}`, expected: `what the call ${JSON.stringify(missing)} gave back` });
    }
    const ids = (calls ?? []).flatMap((call) => call.id ?? []);
    open = ids.length > 0 && ids.length === calls?.length && new Set(ids).size === ids.length ? new Set(ids) : undefined;
    named = false;
  }
}

/** JavaScript would round them, and another number would be trained. */
function checkNumbers(value: unknown, path: string): void {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    refuse(path, value, `a whole number below ${Number.MAX_SAFE_INTEGER}, or a text`);
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, each] of Object.entries(value)) checkNumbers(each, `${path}.${key}`);
}

/**
 * The functions that a conversation's assistant may call: a list, or the JSON text of one, of `{type, function: {name, …}}` or of the
 * functions alone. Undefined for none.
 * @throws RowError
 */
export function toolsOf(value: unknown, path: string): Mapping[] | undefined {
  const list = typeof value === 'string' ? parsedText(value === '' ? '[]' : value, path) : value;
  if (list === undefined || (Array.isArray(list) && list.length === 0)) return undefined;
  if (isMapping(list) && Object.keys(list).length === 0) return undefined;
  if (!Array.isArray(list)) refuse(path, value, 'a list of functions');
  return (list as unknown[]).map((entry, index) => {
    const inner = isMapping(entry) ? (given(entry, 'function') ?? entry) : undefined;
    const name = isMapping(inner) ? given(inner, 'name') : undefined;
    if (typeof name !== 'string' || name === '') {
      refuse(`${path}[${index}]`, entry, 'a function {type, function: {name, description, parameters}}');
    }
    return inner === entry ? { type: 'function', function: entry as Mapping } : (entry as Mapping);
  });
}
