import type { FailureType } from '../contract/failures';
import { holdsSecret, looksLikeSecret } from './secrets';

/** One mistake in a run spec. */
export interface SpecProblem {
  /** Where, such as `synthesis.respond.generators[1]`; `spec` for the whole. */
  readonly path: string;
  /** What was found there, shortened, with secrets masked; `nothing` when it is missing. */
  readonly value: string;
  /** What belongs there. */
  readonly expected: string;
  /** The way out. */
  readonly hint?: string;
  /** 1-based line of the spec's file, where it is known. */
  readonly line?: number;
}

/** A problem by the place where it is; the path's text is made from it. */
export type Finding = Omit<SpecProblem, 'path'> & { readonly at: readonly PropertyKey[] };

/** Something legal that is seldom meant. */
export interface SpecWarning {
  readonly path: string;
  /** One sentence without the path. */
  readonly message: string;
}

/** Everything that is wrong with a run spec; the message is one sentence a problem, one problem a line. */
export class SpecError extends Error {
  override readonly name = 'SpecError' satisfies FailureType;
  readonly problems: readonly SpecProblem[];
  /** The file that was read, if it was a file. */
  readonly file?: string;

  constructor(problems: readonly SpecProblem[], options: { readonly file?: string; readonly cause?: unknown } = {}) {
    super(problems.map((problem) => problemSentence(problem, options.file)).join('\n'), { cause: options.cause });
    this.problems = problems;
    this.file = options.file;
  }
}

/** `spec.yaml:12: mix.newShare: got 17, expected a number above 0 and below 1; write 17 % as 0.17.` */
export function problemSentence(problem: SpecProblem, file?: string): string {
  const place = file === undefined ? '' : problem.line === undefined ? `${file}: ` : `${file}:${problem.line}: `;
  const hint = problem.hint === undefined ? '' : `; ${problem.hint}`;
  return `${place}${problem.path}: got ${problem.value}, expected ${problem.expected}${hint}${/[.?!]$/.test(hint) ? '' : '.'}`;
}

/** `models.gpt-4.limits`, `evaluate.tasks[0].data`, `models["my model"]`; `spec` for the whole. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'string' && looksLikeSecret(part)) text += '["a hidden name"]';
    else if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z0-9_$-]+$/.test(String(part))) text += text === '' ? String(part) : `.${String(part)}`;
    else text += `[${shorten(JSON.stringify(String(part)), 48)}]`;
  }
  return text === '' ? 'spec' : text;
}

const MOST_CHARACTERS = 60;

/**
 * A value as an error message may show it: one line, at most some 60 characters, nothing that looks like a secret.
 * `key` is the name that the value stands under: below `apiKey` and the like nothing is shown.
 */
export function showValue(value: unknown, key = ''): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') {
    if (holdsSecret(value, key) || (SECRET_KEY.test(key) && value !== '')) return hidden(value);
    // Whoever misreads this key pastes the secret itself.
    if (key === 'apiKeyEnv' && !/^[A-Za-z_ -]*$/.test(value)) return hidden(value);
    if (looksRandom(value)) return hidden(value);
    return shorten(JSON.stringify(value.replace(URL_PASSWORD, '$1…@')), MOST_CHARACTERS);
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return 'an empty list';
    return value.length <= 4 && value.every((item) => typeof item !== 'object')
      ? shorten(`[${value.map((item) => showValue(item, key)).join(', ')}]`, MOST_CHARACTERS)
      : `a list of ${value.length}`;
  }
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value);
    return keys.length === 0 ? 'an empty mapping' : shorten(`a mapping with the keys ${keys.join(', ')}`, MOST_CHARACTERS);
  }
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? String(value) : `a ${typeof value}`;
}

const SECRET_KEY = /(api[_-]?key|secret|passw(or)?d|credentials?|authorization|(access|auth|hf|bearer)[_-]?token|^token)$/i;
const URL_PASSWORD = /^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i;

/** Long, unbroken, digits among letters: rather a key than a name, unless it is a commit. Used to mask, never to refuse. */
function looksRandom(text: string): boolean {
  if (/^[0-9a-f]{40}$|^[0-9a-f]{64}$/.test(text)) return false;
  return /^[A-Za-z0-9+/_=]{24,}$/.test(text) && /[0-9]/.test(text) && /[A-Za-z]/.test(text) && !text.startsWith('/');
}

function hidden(text: string): string {
  return `a hidden value of ${text.length} characters`;
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** `"a", "b" or "c"`. */
export function anyOf(names: readonly string[]): string {
  const quoted = names.map((name) => JSON.stringify(name));
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}
