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
  /** The request did not reach the endpoint, so that it cannot have been billed. */
  readonly unsent?: true;
  /** The request's parameter that the endpoint names in its error. */
  readonly param?: string;
  readonly message: string;
}

/** Codes and types of OpenAI's errors (and of servers that follow it) that are more precise than the status. */
const QUOTA_CODES = new Set(['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active', 'access_terminated']);
const OVERFLOW_CODES = new Set(['context_length_exceeded', 'exceed_context_size_error']);
const UNSUPPORTED_CODES = new Set([
  'unsupported_parameter',
  'unsupported_value',
  'unknown_parameter',
  'extra_forbidden', // pydantic: Mistral, FastAPI servers
  'value_error.extra', // pydantic 1
]);

/** Codes of errors that occur before there is a connection. */
const NO_CONNECTION = /^(ECONNREFUSED|ENOTFOUND|EAI_[A-Z]+|E(HOST|NET)UNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** Classifies an error of the OpenAI SDK, or of the network under it. */
export function classifyModelError(error: unknown, nowMs: number): ModelFailure {
  const message = isError(error) ? error.message : String(error);
  if (error instanceof APIUserAbortError) return { scope: 'aborted', kind: 'aborted', overloaded: false, message };
  if (error instanceof APIConnectionTimeoutError) return { scope: 'transient', kind: 'timeout', overloaded: true, message };
  if (error instanceof APIError && typeof error.status === 'number') return classifyStatus(error, error.status, nowMs);
  // A 200 whose body is not JSON, or was cut: the call may have been billed, but there is nothing to store.
  if (isError(error) && error.name === 'SyntaxError') return { scope: 'transient', kind: 'bad_body', overloaded: false, message };
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
  const waitMs = retryAfterMs(error.headers, nowMs);
  const base = {
    status,
    message: error.message,
    overloaded: false,
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(typeof error.param === 'string' ? { param: error.param } : {}),
  };
  const says = (codes: ReadonlySet<string>): boolean => codes.has(error.code ?? '') || codes.has(error.type ?? '');
  // OpenAI also answers an exhausted account with 429 or 400; waiting does not help then.
  if (status === 402 || says(QUOTA_CODES)) return { ...base, scope: 'permanent', kind: 'quota' };
  if (status === 429) return { ...base, scope: 'transient', kind: 'rate_limited', overloaded: true };
  // llama-server of some versions answers a prompt that is too long with 500.
  if (says(OVERFLOW_CODES)) return { ...base, scope: 'item', kind: 'context_overflow' };
  if (error.code === 'content_filter') return { ...base, scope: 'item', kind: 'content_filter' };
  if (status === 503 || status === 529) return { ...base, scope: 'transient', kind: 'overloaded', overloaded: true };
  if (status >= 500) return { ...base, scope: 'transient', kind: 'server_error' };
  if (status === 408 || status === 409 || status === 425) return { ...base, scope: 'transient', kind: 'timeout', overloaded: true };
  if (status === 401 || status === 403 || status === 407) return { ...base, scope: 'permanent', kind: 'auth' };
  if (status === 404 || status === 405 || status === 410) return { ...base, scope: 'permanent', kind: 'not_found' };
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
