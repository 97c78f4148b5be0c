import type { ToolCall } from '../../method/records';
import { given, isMapping, refuse, type Mapping } from './row-error';

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
  try {
    return JSON.parse(text);
  } catch {
    return refuse(path, text, 'the JSON text of a mapping');
  }
}

/** Parquet gives every call the arguments of all calls, null where it has none; in a text, a null is meant. */
function withoutNulls(args: Mapping, meant: boolean): Mapping {
  return meant ? args : Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null));
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
