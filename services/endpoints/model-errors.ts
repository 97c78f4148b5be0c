import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai/error';
import { retryAfterMs } from './retry-timing';

/**
 * transient: the same call is worth another try; permanent: no call to this endpoint can succeed until a person changes
 * something; item: the endpoint refused this one request, others may succeed; aborted: the caller cancelled it.
 */
export type FailureScope = 'transient' | 'permanent' | 'item' | 'aborted';

/** The kinds of failed calls, by which they are counted and reported. */
export type ModelErrorKind =
  // Usually transient.
  | 'rate_limited'
  | 'overloaded'
  | 'server_error'
  | 'timeout'
  | 'connection'
  | 'bad_body'
  // Permanent.
  | 'no_host'
  | 'tls'
  | 'auth'
  | 'not_found'
  | 'redirect'
  | 'quota'
  | 'unsupported'
  | 'unexpected'
  // Of one item.
  | 'refused'
  | 'context_overflow'
  | 'content_filter'
  // By the caller.
  | 'aborted';

/** What a failed call means, decided by class and status, never by message text. */
export interface ModelFailure {
  readonly scope: FailureScope;
  readonly kind: ModelErrorKind;
  readonly status?: number;
  /** Whether the endpoint asked for less load. */
  readonly overloaded: boolean;
  /** How long the endpoint asked the caller to wait. */
  readonly waitMs?: number;
  /** The words are a page for people, as a firewall or a proxy before the endpoint sends it. */
  readonly page?: true;
  /** The request did not reach the endpoint, so that it cannot have been billed. */
  readonly unsent?: true;
  /** The request's parameter that the endpoint names in its error. */
  readonly param?: string;
  readonly message: string;
}

/** Codes, types and reasons of errors that are more precise than the status, in lower case: OpenAI's and those of servers that follow it. */
const QUOTA_CODES: readonly string[] = [
  'insufficient_quota',
  'billing_hard_limit_reached',
  'billing_not_active',
  'access_terminated',
  'billing_error', // Anthropic
  'budget_exceeded', // LiteLLM's own keys
  'credit_limit', // Together
  'insufficient_balance',
  'insufficient_credits',
  'exceeded_current_quota_error', // Moonshot
  'insufficient_user_quota', // one-api
  'arrearage', // Alibaba
  'accountoverdueerror', // Volcengine
];
const OVERFLOW_CODES: readonly string[] = ['context_length_exceeded', 'exceed_context_size_error'];
const UNSUPPORTED_CODES: readonly string[] = [
  'unsupported_parameter',
  'unsupported_value',
  'unknown_parameter',
  'extra_forbidden', // pydantic: Mistral, FastAPI servers
  'value_error.extra', // pydantic 1
];
const FILTER_CODES: readonly string[] = [
  'content_filter',
  'content_policy_violation', // OpenAI
  'responsibleaipolicyviolation', // Azure
  'data_inspection_failed', // Alibaba
  'datainspectionfailed',
];
/** A wrong key that comes with 400. */
const KEY_CODES: readonly string[] = ['invalid_api_key', 'api_key_invalid', 'authentication_error', 'invalid_authentication_error'];
/** A wrong model that comes with 400. */
const MODEL_CODES: readonly string[] = ['model_not_found', 'invalid_model', 'unknown_model', 'deploymentnotfound'];
/** Too much at the moment, beside 503: Anthropic's, and Groq's for its flex tier. */
const OVERLOADED: readonly number[] = [503, 529, 498];
/** The request did not go through to its end: of the client's, of a lock, of what is too early; 499 is what proxies and Google call a cancellation. */
const NOT_NOW: readonly number[] = [408, 409, 425, 499];

/** Codes of errors that occur before there is a connection. */
const NO_CONNECTION = /^(ECONNREFUSED|ENOTFOUND|EAI_[A-Z]+|E(HOST|NET)UNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** Classifies an error of the OpenAI SDK, or of the network under it. */
export function classifyModelError(error: unknown, nowMs: number): ModelFailure {
  const message = isError(error) ? error.message : String(error);
  if (error instanceof APIUserAbortError) return { scope: 'aborted', kind: 'aborted', overloaded: false, message };
  if (error instanceof APIConnectionTimeoutError) return { scope: 'transient', kind: 'timeout', overloaded: true, message };
  if (error instanceof APIError && typeof error.status === 'number') return classifyStatus(error, error.status, nowMs);
  // A 200 whose body is not JSON, or was cut: the call may have been billed, but there is nothing to store.
  if (isError(error) && error.name === 'SyntaxError') {
    const { param } = error as { readonly param?: unknown };
    return { scope: 'transient', kind: 'bad_body', overloaded: false, message, ...(typeof param === 'string' ? { param } : {}) };
  }
  if (error instanceof APIConnectionError || isSocketError(error)) return classifyConnection(error);
  return { scope: 'permanent', kind: 'unexpected', overloaded: false, message };
}

function classifyConnection(error: Error): ModelFailure {
  const message = causeMessage(error);
  const codes = causesOf(error).map((cause) => (cause as NodeJS.ErrnoException).code ?? '');
  const unsent = codes.some((code) => NO_CONNECTION.test(code)) ? { unsent: true as const } : {};
  // A name server that is down gives EAI_AGAIN; ENOTFOUND means that there is no such host.
  if (codes.includes('ENOTFOUND')) return { scope: 'permanent', kind: 'no_host', overloaded: false, message, ...unsent };
  if (codes.some((code) => /CERT|SELF_SIGNED|ISSUER|^ERR_(SSL|TLS)_/.test(code))) {
    return { scope: 'permanent', kind: 'tls', overloaded: false, message, unsent: true };
  }
  return { scope: 'transient', kind: 'connection', overloaded: false, message, ...unsent };
}

function classifyStatus(error: APIError, status: number, nowMs: number): ModelFailure {
  const { retryAfterMs: told } = (error.error ?? {}) as { readonly retryAfterMs?: number };
  const waitMs = retryAfterMs(error.headers, nowMs) ?? told;
  const base = {
    status,
    message: error.message,
    overloaded: false,
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(typeof error.param === 'string' ? { param: error.param } : {}),
  };
  const named = [error.code, error.type].map((name) => name?.toLowerCase() ?? '');
  const says = (codes: readonly string[]): boolean => named.some((name) => codes.includes(name));
  // OpenAI also answers an exhausted account with 429 or 400; waiting does not help then.
  if (status === 402 || says(QUOTA_CODES)) return { ...base, scope: 'permanent', kind: 'quota' };
  if (status === 429) return { ...base, scope: 'transient', kind: 'rate_limited', overloaded: true };
  // llama-server of some versions answers a prompt that is too long with 500.
  if (says(OVERFLOW_CODES)) return { ...base, scope: 'item', kind: 'context_overflow' };
  if (says(FILTER_CODES)) return { ...base, scope: 'item', kind: 'content_filter' };
  // An error in place of a reply: as long as the endpoint has answered nothing, its address may be wrong (LM Studio says so with 200).
  if (status === 200) return { ...base, scope: 'transient', kind: 'bad_body' };
  if (OVERLOADED.includes(status)) return { ...base, scope: 'transient', kind: 'overloaded', overloaded: true };
  if (status >= 500) return { ...base, scope: 'transient', kind: 'server_error' };
  if (NOT_NOW.includes(status)) return { ...base, scope: 'transient', kind: 'timeout', overloaded: true };
  if (status === 401 || status === 403 || status === 407 || says(KEY_CODES)) {
    const page = error.headers?.get('content-type')?.includes('text/html') === true;
    return { ...base, scope: 'permanent', kind: 'auth', ...(page ? { page } : {}) };
  }
  if (status === 404 || status === 405 || status === 410 || says(MODEL_CODES) || error.param === 'model') {
    return { ...base, scope: 'permanent', kind: 'not_found' };
  }
  // Redirects are not followed: a key must not travel to another host.
  if (status < 400) return { ...base, scope: 'permanent', kind: 'redirect' };
  // It names one of our parameters as unknown: no request with that parameter can succeed.
  if (says(UNSUPPORTED_CODES)) return { ...base, scope: 'permanent', kind: 'unsupported' };
  return { ...base, scope: 'item', kind: 'refused' };
}

function causeMessage(error: Error): string {
  return causesOf(error)
    .map((cause) => cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name))
    .join(': ');
}

/** The error and its chain of causes; of an AggregateError (one host, several addresses) the first error. */
function causesOf(error: Error): Error[] {
  const causes: Error[] = [];
  for (
    let current: unknown = error;
    isError(current) && causes.length < 6;
    current = current.cause ?? (current as { errors?: unknown[] }).errors?.[0]
  ) {
    causes.push(current);
  }
  return causes;
}

/** By shape: errors of `fetch` and of JSON parsing come from another realm under some runners, where `instanceof` fails. */
function isError(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value;
}

function isSocketError(error: unknown): error is Error {
  if (!isError(error)) return false;
  return causesOf(error).some(
    (cause) =>
      // undici says "terminated" when a body is cut off; HPE_… are replies that are not HTTP.
      /^(E[A-Z_]+|(UND_ERR|HPE|ERR_SSL|ERR_TLS)_[A-Z0-9_]+|[A-Z_]*CERT[A-Z_]*)$/.test((cause as NodeJS.ErrnoException).code ?? '') ||
      (cause.name === 'TypeError' && cause.message === 'terminated'),
  );
}
