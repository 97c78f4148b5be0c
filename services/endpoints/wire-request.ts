import type { ModelSpec } from '../../config/spec';
import type { ModelFailure } from './model-errors';

type Body = Readonly<Record<string, unknown>>;

/** Fields that `request.body` may lower where a stage asks for them, but not ask for by itself. */
const LOWERED: readonly string[] = ['logprobs', 'top_logprobs'];

/** The body that an endpoint gets for what a stage asks: without the spec's `omit`, then with its `body`, then renamed. */
export function wireBody(asked: Body, request: ModelSpec['request']): Body {
  const { body = {}, omit = [], rename = {} } = request ?? {};
  const wire: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(asked)) {
    if (!omit.includes(field)) wire[field] = value;
  }
  for (const [field, value] of Object.entries(body)) {
    if (!LOWERED.includes(field) || Object.hasOwn(wire, field)) wire[field] = value;
  }
  return Object.fromEntries(Object.entries(wire).map(([field, value]) => [Object.hasOwn(rename, field) ? rename[field]! : field, value]));
}

/** The query of an endpoint's URLs, with its question mark; empty where there is none. */
export function queryOf(request: ModelSpec['request']): string {
  const query = new URLSearchParams(request?.query ?? {}).toString();
  return query === '' ? '' : `?${query}`;
}

/** A failure with the name that the stages know of the field that it names: the endpoint says what it was renamed to. */
export function withOwnField(failure: ModelFailure, request: ModelSpec['request']): ModelFailure {
  const own = Object.entries(request?.rename ?? {}).find(([, to]) => to === failure.param);
  return own === undefined ? failure : { ...failure, param: own[0] };
}
