import { MethodError } from './method-error';

/**
 * One text for one JSON value, whatever the order of its keys: RFC 8785 (JCS), that is keys sorted by UTF-16 code
 * units, no white space, numbers and strings as ECMAScript writes them. Stage keys are hashes of it.
 *
 * @throws {MethodError} on what JSON cannot hold and `JSON.stringify` would silently drop or bend (undefined, NaN,
 *   infinities, functions, symbols, bigints, dates, maps, class instances, holes in arrays, cycles), naming its path.
 */
export function canonicalJson(value: unknown): string {
  return write(value, [], new Set());
}

/** @param path keys and indices from the root to `value`, for messages */
function write(value: unknown, path: (string | number)[], ancestors: Set<object>): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw refusal(path, String(value), 'use a finite number or null');
      return JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      return writeObject(value, path, ancestors);
    default:
      throw refusal(path, typeof value, 'leave the key out or use null');
  }
}

function writeObject(value: object, path: (string | number)[], ancestors: Set<object>): string {
  if (ancestors.has(value)) throw refusal(path, 'a reference to one of its own parents', 'break the cycle');
  ancestors.add(value);
  const text = Array.isArray(value) ? writeArray(value, path, ancestors) : writeMembers(value, path, ancestors);
  ancestors.delete(value);
  return text;
}

function writeArray(items: readonly unknown[], path: (string | number)[], ancestors: Set<object>): string {
  let text = '[';
  // By index, which visits holes too.
  for (let index = 0; index < items.length; index++) {
    path.push(index);
    text += `${index === 0 ? '' : ','}${write(items[index], path, ancestors)}`;
    path.pop();
  }
  return `${text}]`;
}

function writeMembers(value: object, path: (string | number)[], ancestors: Set<object>): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A payload decoded in another realm (the workflow sandbox) has that realm's Object.prototype.
  const plain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!plain || Object.getOwnPropertySymbols(value).length > 0) throw refusal(path, 'not a plain object', 'convert it to one first');
  let text = '{';
  for (const key of Object.keys(value).sort()) {
    path.push(key);
    text += `${text.length === 1 ? '' : ','}${JSON.stringify(key)}:${write((value as Record<string, unknown>)[key], path, ancestors)}`;
    path.pop();
  }
  return `${text}}`;
}

function refusal(path: readonly (string | number)[], what: string, wayOut: string): MethodError {
  const place = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return new MethodError(`$${place} is ${what}, which JSON cannot hold; ${wayOut}`);
}
