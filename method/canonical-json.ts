import { MethodError } from './method-error';

/**
 * One text for one JSON value, whatever the order of its keys: RFC 8785 (JCS), that is keys sorted by UTF-16 code
 * units, no white space, numbers and strings as ECMAScript writes them. Stage keys are hashes of it.
 *
 * @throws {MethodError} on what JSON cannot hold and `JSON.stringify` would silently drop or bend (undefined, NaN,
 *   infinities, functions, symbols, bigints, dates, maps, class instances, holes in arrays, cycles), naming its path.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '$', new Set());
}

function write(value: unknown, path: string, ancestors: Set<object>): string {
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

function writeObject(value: object, path: string, ancestors: Set<object>): string {
  if (ancestors.has(value)) throw refusal(path, 'a reference to one of its own parents', 'break the cycle');
  ancestors.add(value);
  let text: string;
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    // Array.from visits holes, which `map` would skip.
    text = `[${Array.from(items, (item, index) => write(item, `${path}[${index}]`, ancestors)).join(',')}]`;
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    // A payload decoded in another realm (the workflow sandbox) has that realm's Object.prototype.
    const plain = prototype === null || Object.getPrototypeOf(prototype) === null;
    if (!plain || Object.getOwnPropertySymbols(value).length > 0) {
      throw refusal(path, 'not a plain object', 'convert it to one first');
    }
    const members = Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${write(member, `${path}.${key}`, ancestors)}`);
    text = `{${members.join(',')}}`;
  }
  ancestors.delete(value);
  return text;
}

function refusal(path: string, what: string, wayOut: string): MethodError {
  return new MethodError(`${path} is ${what}, which JSON cannot hold; ${wayOut}`);
}
