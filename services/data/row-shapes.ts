import type { ConversationSchema } from '../../config/replay-sets';
import { isBlank } from './json-text';
import { given, isMapping, refuse, RowError, type Mapping } from './row-error';
import type { RawTurn } from './turns';

/** The turns of a row, before they are looked at. */
export interface RawConversation {
  readonly turns: readonly RawTurn[];
  /** Column of the turns, for messages. */
  readonly path: string;
}

/** Columns by which a row tells its shape, when the spec does not. */
const SHAPES = 'messages, conversations, prompt and completion, or instruction and output';

/** The shape of a row by its columns. @throws RowError when it has none that is known */
export function shapeOf(row: Mapping): ConversationSchema {
  for (const column of ['messages', 'conversations', 'conversation']) {
    const turns = given(row, column);
    if (turns === undefined) continue;
    const [first] = Array.isArray(turns) ? (turns as unknown[]) : [];
    return { kind: isMapping(first) && Object.hasOwn(first, 'from') ? 'sharegpt' : 'messages', column };
  }
  if (given(row, 'completion') !== undefined && given(row, 'prompt') !== undefined) return { kind: 'prompt-completion' };
  if (given(row, 'instruction') !== undefined) return { kind: 'alpaca' };
  throw new RowError({ path: 'row', value: namesOf(row), expected: `one with ${SHAPES}` });
}

function namesOf(row: Mapping): string {
  const names = Object.keys(row);
  if (names.length === 0) return 'an empty mapping';
  const text = names.join(', ');
  return `a mapping with the keys ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`;
}

/** The turns of a row in a given shape. @throws RowError */
export function turnsOf(row: Mapping, schema: ConversationSchema): RawConversation {
  switch (schema.kind) {
    case 'messages':
      return listed(row, schema.column, 'role', 'content');
    case 'sharegpt':
      return listed(row, schema.column, 'from', 'value');
    case 'alpaca':
      return alpaca(row);
    case 'prompt-completion':
      return promptCompletion(row);
  }
}

function listed(row: Mapping, column: string, roleKey: string, textKey: string): RawConversation {
  const turns = given(row, column);
  if (!Array.isArray(turns)) refuse(column, turns, 'a list');
  const own = (turns as unknown[]).map((turn, index): RawTurn => ({ path: `${column}[${index}]`, turn, roleKey, textKey }));
  return { turns: [...systemOf(row), ...own], path: column };
}

/** LLaMA-Factory's column for it. */
function systemOf(row: Mapping): RawTurn[] {
  const system = given(row, 'system');
  if (typeof system !== 'string' || system === '') return [];
  return [textTurn('system', system, 'system')];
}

/** {instruction, input, output}, and what LLaMA-Factory adds: system, and history, pairs of what was said before. */
function alpaca(row: Mapping): RawConversation {
  const instruction = given(row, 'instruction');
  const input = given(row, 'input');
  if (typeof instruction !== 'string' || isBlank(instruction)) refuse('instruction', instruction, 'a text that is not empty');
  if (input !== undefined && typeof input !== 'string') refuse('input', input, 'a text');
  const history = given(row, 'history') ?? [];
  if (!Array.isArray(history)) refuse('history', history, 'a list of pairs');
  const before = (history as unknown[]).flatMap((pair, index) => {
    if (!Array.isArray(pair) || pair.length !== 2) refuse(`history[${index}]`, pair, 'a pair of texts');
    const [asked, answered] = pair as unknown[];
    return [textTurn('user', asked, `history[${index}][0]`), textTurn('assistant', answered, `history[${index}][1]`)];
  });
  const request = input === undefined || isBlank(input) ? instruction : `${instruction}\n\n${input}`;
  return {
    turns: [...systemOf(row), ...before, textTurn('user', request, 'instruction'), textTurn('assistant', row['output'], 'output')],
    path: 'output',
  };
}

/** TRL's: two texts, or two lists of messages; only the completion is learned. */
function promptCompletion(row: Mapping): RawConversation {
  const part = (column: 'prompt' | 'completion', role: string): RawTurn[] => {
    const value = given(row, column);
    if (!Array.isArray(value)) return [textTurn(role, value, column)];
    return (value as unknown[]).map((turn, index) => ({
      path: `${column}[${index}]`,
      turn,
      roleKey: 'role',
      textKey: 'content',
      train: column === 'completion',
    }));
  };
  return { turns: [...systemOf(row), ...part('prompt', 'user'), ...part('completion', 'assistant')], path: 'completion' };
}

/** A column that is a turn's text by itself. */
function textTurn(role: string, text: unknown, path: string): RawTurn {
  if (typeof text !== 'string') refuse(path, text, 'a text');
  return { path, turn: { role, text }, roleKey: 'role', textKey: 'text', textPath: path };
}
