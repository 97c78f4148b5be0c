import { types } from 'node:util';
import { ApplicationFailure } from '@temporalio/activity';
import type { FailureType } from '../contract/failures';

/** A fault that nobody foresaw, and how often in a row attempts of an activity have ended with it; told by heartbeat to the next attempt. */
export interface Fault {
  /** Class, words and place in the code. */
  readonly what: string;
  readonly times: number;
}

/** Attempts that may end in the same fault. */
const MOST_TIMES = 3;
const MOST_CHARS = 500;
/** Of the innermost, so many are told. */
const FRAMES = 4;
/** Classes that the language and its checks throw. Whoever throws one of a class of its own has foreseen it. */
const UNFORESEEN = new Set([
  'Error',
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'URIError',
  'EvalError',
  'AssertionError',
  'ZodError',
  'NodeError', // what Node throws for a wrong argument, whatever its name says
]);
/** Node's codes for a wrong argument; other codes are the system's, the network's or a library's own. */
const PROGRAMMING_CODES = /^(ERR_(ASSERTION|BUFFER|INVALID|MISSING_ARGS|OUT_OF_RANGE|UNKNOWN_ENCODING)|invalid_)/;

/**
 * The fault that an attempt ended with, counted on from the attempt before.
 * @param before what that one told
 * @returns undefined for what another try may well not meet: trouble of the network, of the store, of the system, and what has a class of its own
 */
export function faultOf(error: unknown, before: Fault | undefined): Fault | undefined {
  if (!types.isNativeError(error) || !chainOf(error).every((link) => isUnforeseen(link))) return undefined;
  const what = `${error.name}: ${error.message.slice(0, MOST_CHARS)} (${framesOf(error)[0] ?? ''})`;
  return { what, times: before?.what === what ? before.times + 1 : 1 };
}

/** What an attempt told of its fault; undefined for one that told nothing. */
export function faultIn(details: unknown): Fault | undefined {
  const { fault } = (details ?? {}) as { readonly fault?: Partial<Fault> };
  return typeof fault?.what === 'string' && typeof fault.times === 'number' ? { what: fault.what, times: fault.times } : undefined;
}

/** The end of an activity whose every attempt ends alike; undefined while that may still be chance. */
export function repeatedFault(error: Error, { times }: Fault): ApplicationFailure | undefined {
  if (times < MOST_TIMES) return undefined;
  const place = framesOf(error)
    .slice(0, FRAMES)
    .map((frame) => frame.replace(/^at /, '').replaceAll(/[^\s()]*\/(?=[^/]+$)/g, ''))
    .join(' < ');
  return ApplicationFailure.create({
    type: 'RepeatedFaultError' satisfies FailureType,
    message:
      `${error.name}: ${error.message.slice(0, MOST_CHARS)}: the same fault ${times} times in a row, in ${place || 'an unknown place'}. ` +
      'It is a fault of Rehearse or of a library under it: report it with the stack in the details of this failure; ' +
      'with a release that does not have it, "resume" goes on from what is stored.',
    // No cause: people are told the innermost message of a failure, and that is to be this sentence.
    details: [error.stack ?? error.message],
    nonRetryable: true,
  });
}

/** An error and what caused it. */
function chainOf(error: Error): unknown[] {
  const links: unknown[] = [];
  for (let link: unknown = error; link !== undefined && !links.includes(link); link = types.isNativeError(link) ? link.cause : undefined) {
    links.push(link);
  }
  return links;
}

function isUnforeseen(link: unknown): boolean {
  if (!types.isNativeError(link) || !UNFORESEEN.has(classOf(link))) return false;
  const { code } = link as { readonly code?: unknown };
  return code === undefined || (typeof code === 'string' && PROGRAMMING_CODES.test(code));
}

/** By name, since the class itself may be another realm's. */
function classOf(error: Error): string {
  return error.constructor.name;
}

function framesOf({ stack = '' }: Error): string[] {
  return stack.split('\n').flatMap((line) => (/^\s+at /.test(line) ? [line.trim()] : []));
}
