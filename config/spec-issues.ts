import type { z } from 'zod';
import { nearestNames } from '../method/nearest-names';
import { placesOfKey, schemaAt, type SchemaNode } from './json-schema';
import { anyOf, formatPath, showValue, type SpecProblem } from './spec-errors';

type Issue = z.core.$ZodIssue;

/** A problem with the path as a list, so that a reader of a file can look up its line. */
export interface LocatedProblem extends SpecProblem {
  readonly at: readonly PropertyKey[];
}

/** Puts what zod found into sentences' parts. What was expected is read from the schema, so it cannot go stale. */
export function problemsOfIssues(issues: readonly Issue[]): LocatedProblem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, []));
}

function problemsOfIssue(issue: Issue, prefix: readonly PropertyKey[]): LocatedProblem[] {
  const at = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(at, key, issue.input));
  if (issue.code === 'invalid_union') {
    // The branch of the value's own kind that fits best has something to say; another would only say "expected a string".
    const [branch] = issue.errors
      .filter((errors) => !errors.some(isAnotherKind))
      .sort((a, b) => unknownKeys(a) - unknownKeys(b) || a.length - b.length);
    // Of the whole value, the union's own words say more.
    const ownWords =
      issue.message.startsWith('expected ') && branch?.every(({ path, code }) => path.length === 0 && code === 'invalid_type') === true;
    if (branch !== undefined && !ownWords) return branch.flatMap((inner) => problemsOfIssue(inner as Issue, at));
  }
  if (issue.code === 'invalid_union' && 'discriminator' in issue && typeof issue.discriminator === 'string') {
    const union = schemaAt(at.slice(0, -1));
    const kinds = (union?.oneOf ?? union?.anyOf ?? []).map((each) => String(each.properties?.[String(at.at(-1))]?.const));
    const value = (issue.input as Readonly<Record<string, unknown>> | undefined)?.[issue.discriminator];
    return [problem(at, showValue(value), anyOf(kinds), nearestHint(value, kinds))];
  }
  if (issue.code === 'invalid_key') {
    const reason = issue.issues[0]?.message ?? '';
    return [problem(at, showValue(at.at(-1)), reason.startsWith('expected ') ? reason.slice(9) : 'another name', 'rename it')];
  }
  const expected = issue.message.startsWith('expected ') ? issue.message.slice(9) : expectation(ofKind(schemaAt(at), issue.input));
  return [problem(at, showValue(issue.input, keyOf(at)), expected, wayOut(at, issue.input))];
}

function nearestHint(value: unknown, kinds: readonly string[]): string {
  const near = typeof value === 'string' ? nearestNames(value, kinds, 1)[0] : undefined;
  return near === undefined ? 'choose one of these' : `did you mean ${JSON.stringify(near)}?`;
}

/** Keys of a value that a branch of a union does not have: where there are some, another branch was meant. */
function unknownKeys(errors: readonly Issue[]): number {
  return errors.reduce((sum, issue) => {
    if (issue.path.length > 0) return sum;
    // Of a union within one, the branch that fits best.
    if (issue.code === 'invalid_union') return sum + Math.min(...issue.errors.map(unknownKeys));
    return sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 0);
  }, 0);
}

/** Whether a branch of a union wants a value of another kind altogether. */
function isAnotherKind(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union') return issue.errors.every((errors) => errors.some(isAnotherKind));
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function problem(at: readonly PropertyKey[], value: string, expected: string, hint?: string): LocatedProblem {
  return { at, path: formatPath(at), value, expected, hint };
}

function keyOf(at: readonly PropertyKey[]): string {
  return at.filter((part) => typeof part === 'string').at(-1) ?? '';
}

function unknownKey(parent: readonly PropertyKey[], key: string, input: unknown): LocatedProblem {
  const known = Object.keys(keysAt(parent)).filter((name) => name !== '$schema');
  const value = typeof input === 'object' && input !== null ? (input as Record<string, unknown>)[key] : undefined;
  const got = `the unknown key ${JSON.stringify(key.slice(0, 60))} (${showValue(value, key)})`;
  const near = nearestNames(key.replace(/[_-]/g, ''), known, 1)[0];
  const at = [...parent, key];
  if (near === 'apiKeyEnv') return problem(at, got, JSON.stringify(near), KEY_HINT);
  if (near !== undefined) return problem(at, got, JSON.stringify(near), 'rename it or remove it');
  const places = placesOfKey(key);
  const depth = (place: string): number => place.split('.').length;
  // What a variant may have otherwise than all is not where a misplaced key belongs.
  const elsewhere = places.filter((place) => depth(place) === Math.min(...places.map(depth)));
  const expected = `one of the keys ${known.join(', ')}`;
  if (elsewhere.length === 1) return problem(at, got, expected, `move it to ${elsewhere[0]}`);
  return problem(at, got, expected, 'remove it');
}

const KEY_HINT = 'put the key into an environment variable and write that variable\'s name under "apiKeyEnv"';

function keysAt(path: readonly PropertyKey[]): Readonly<Record<string, SchemaNode>> {
  const node = schemaAt(path);
  return (node?.anyOf?.find((branch) => branch.properties !== undefined) ?? node)?.properties ?? {};
}

/** What to do about a wrong value; without anything better, what the field is for or its default. */
function wayOut(at: readonly PropertyKey[], input: unknown): string | undefined {
  const node = schemaAt(at);
  if (input === undefined) return missing(at, node);
  return wayOutOfValue(at, input, [node?.type].flat(), node) ?? fallback(node);
}

function wayOutOfValue(
  at: readonly PropertyKey[],
  input: unknown,
  kinds: readonly unknown[],
  node: SchemaNode | undefined,
): string | undefined {
  const numeric = kinds.includes('number') || kinds.includes('integer');
  const key = keyOf(at);
  if (key === 'apiKeyEnv') return KEY_HINT;
  if (node?.const !== undefined) return `write ${key}: ${JSON.stringify(node.const)}`;
  if (typeof input === 'string' && input !== '') {
    if (key === 'baseURL' && !/^https?:\/\/./.test(input)) return 'begin it with http:// or https://';
    if (numeric) return numberWritten(input, at);
    if (kinds.includes('boolean')) return truthWritten(input, key);
    if (node?.enum !== undefined) {
      const near = nearestNames(input, node.enum.map(String), 1)[0];
      return near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
    }
    if (kinds.includes('array')) return `write it as a list: [${input}]`;
  }
  if (key === 'newShare' && typeof input === 'number' && input >= 1 && input < 100) {
    return `write ${input} % as ${Number((input / 100).toPrecision(6))}`;
  }
  if (kinds.includes('integer') && typeof input === 'number' && Number.isFinite(input) && !Number.isInteger(input)) return 'round it';
  if (kinds.includes('boolean') && (input === 0 || input === 1)) return `write ${key}: ${input === 1}`;
  if (kinds.includes('string') && (typeof input === 'number' || typeof input === 'boolean')) return `put it in quotes: "${input}"`;
  return undefined;
}

function fallback(node: SchemaNode | undefined): string | undefined {
  const given = node?.default;
  if (typeof given === 'number' || typeof given === 'string' || typeof given === 'boolean') {
    return `leave it out for the default, ${JSON.stringify(given)}`;
  }
  const what = firstSentence(node);
  return what === undefined ? undefined : `it means: ${what}`;
}

/** A description up to its first full stop, to go on a sentence with. */
function firstSentence(node: SchemaNode | undefined): string | undefined {
  const what = node?.description?.split(/(?<=[A-Za-z0-9)}])\. |\.$/)[0];
  if (what === undefined || what === '') return undefined;
  return /^[A-Z][a-z]/.test(what) ? `${what.charAt(0).toLowerCase()}${what.slice(1)}` : what;
}

function missing(at: readonly PropertyKey[], node: SchemaNode | undefined): string {
  const what = node?.const === undefined ? firstSentence(node) : JSON.stringify(node.const);
  const key = JSON.stringify(keyOf(at));
  return what === undefined ? `add the key ${key}` : `add the key ${key}: ${what}`;
}

/** YAML 1.1's words for them are texts in YAML 1.2. */
function truthWritten(input: string, key: string): string | undefined {
  const word = input.trim().toLowerCase();
  if (['yes', 'y', 'on', 'true', '1'].includes(word)) return `write ${key}: true`;
  return ['no', 'n', 'off', 'false', '0'].includes(word) ? `write ${key}: false` : undefined;
}

function numberWritten(input: string, at: readonly PropertyKey[]): string | undefined {
  const percent = /^\s*([0-9.]+)\s*%\s*$/.exec(input);
  if (percent !== null) return `write ${percent[1]} % as ${Number((Number(percent[1]) / 100).toPrecision(6))}`;
  const plain = input.replace(/[,_'\s]/g, '');
  if (plain !== '' && Number.isFinite(Number(plain))) {
    return plain === input.trim() ? `remove the quotes: ${keyOf(at)}: ${plain}` : `write it without separators: ${plain}`;
  }
  return undefined;
}

/** Of alternatives, the one of the value's own kind. */
function ofKind(node: SchemaNode | undefined, input: unknown): SchemaNode | undefined {
  const kind = Array.isArray(input) ? 'array' : typeof input;
  return node?.anyOf?.find(({ type, enum: names }) => type === kind && names === undefined) ?? node;
}

/** What a schema asks for, in words. */
export function expectation(node: SchemaNode | undefined): string {
  if (node === undefined) return 'nothing here';
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return anyOf(node.enum.map(String));
  const alternatives = node.anyOf ?? node.oneOf;
  if (alternatives !== undefined) return alternatives.map(expectation).join(' or ');
  const kind = [node.type].flat()[0];
  if (kind === 'integer' || kind === 'number') return numberExpectation(node, kind);
  if (kind === 'boolean') return 'true or false';
  if (kind === 'string') return node.minLength === undefined || node.minLength === 0 ? 'a text' : 'a text that is not empty';
  if (kind === 'array') {
    return node.minItems === undefined ? 'a list' : `a list with at least ${node.minItems} ${node.minItems === 1 ? 'entry' : 'entries'}`;
  }
  const keys = Object.keys(node.properties ?? {}).filter((key) => key !== '$schema');
  return keys.length === 0 ? 'a mapping of names to values' : `a mapping with the keys ${keys.join(', ')}`;
}

function numberExpectation(node: SchemaNode, kind: 'integer' | 'number'): string {
  const noun = kind === 'integer' ? 'whole number' : 'number';
  const most = node.maximum === Number.MAX_SAFE_INTEGER ? undefined : node.maximum;
  const upper = most !== undefined ? `up to ${most}` : node.exclusiveMaximum !== undefined ? `below ${node.exclusiveMaximum}` : undefined;
  if (kind === 'integer' && node.exclusiveMinimum === 0) return upper === undefined ? `a positive ${noun}` : `a positive ${noun} ${upper}`;
  const lower =
    node.minimum !== undefined && node.minimum !== Number.MIN_SAFE_INTEGER
      ? most === undefined
        ? `of at least ${node.minimum}`
        : `from ${node.minimum}`
      : node.exclusiveMinimum !== undefined
        ? `above ${node.exclusiveMinimum}`
        : undefined;
  if (lower === undefined) return upper === undefined ? `a ${noun}` : `a ${noun} ${upper}`;
  if (upper === undefined) return `a ${noun} ${lower}`;
  return lower.startsWith('from')
    ? `a ${noun} ${lower} to ${most}`
    : `a ${noun} ${lower} ${upper.startsWith('below') ? 'and ' : ''}${upper}`;
}
