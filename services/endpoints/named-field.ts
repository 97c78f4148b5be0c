import type { ModelFailure } from './model-errors';

/** Fields that a refusal is looked through for, the likeliest first: of two that exclude each other, the one that can be left out. */
const LOOKED_FOR: readonly string[] = [
  'top_p',
  'top_logprobs',
  'logprobs',
  'seed',
  'max_completion_tokens',
  'max_tokens',
  'temperature',
  'add_special_tokens',
];

/** Statuses of a refusal that may be about a field. */
const ABOUT_THE_REQUEST: readonly (number | undefined)[] = [400, 422];

/**
 * The failure with the field that it is about, where the endpoint names it in its words alone: `body.seed`, `'top_p'`, "`n` must be 1".
 * Names of fields are part of the protocol, unlike the words around them; they decide about advice and repetition, never about what kind
 * of failure this is.
 * @param sent the request's body; a field that it has not is not what was refused
 */
export function namedField(failure: ModelFailure, sent: Readonly<Record<string, unknown>>): ModelFailure {
  const { param, message, status } = failure;
  if (param !== undefined) {
    const field = /^(?:body\.)?(\w+)[.[]/.exec(param)?.[1];
    return field === undefined ? failure : { ...failure, param: field };
  }
  if (!ABOUT_THE_REQUEST.includes(status)) return failure;
  const others = Object.keys(sent).filter((field) => !LOOKED_FOR.includes(field) && !['messages', 'prompt', 'model'].includes(field));
  const named = [...LOOKED_FOR, ...others].find((field) => Object.hasOwn(sent, field) && isNamed(message, field));
  return named === undefined ? failure : { ...failure, param: named };
}

/** A short or everyday word counts only where it is marked as a name. */
function isNamed(message: string, field: string): boolean {
  const name = field.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  if (field.includes('_') || field === 'logprobs') return new RegExp(`(?<![A-Za-z0-9_])${name}(?![A-Za-z0-9_])`).test(message);
  return new RegExp(
    `(["'\`]|body\\.|parameter:? |argument |field:? |supplied: )${name}(?![A-Za-z0-9_])|(^|\\s)${name} ?(=|>|<|must|should|is not|needs)`,
  ).test(message);
}
