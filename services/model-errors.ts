import OpenAI, { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';
import { retryAfterMs } from './retry-timing';

/**
 * transient: worth another try of the same call; permanent: no call to this endpoint can succeed until somebody changes
 * something; item: this one request was refused, others may pass.
 */
export type FailureScope = 'transient' | 'permanent' | 'item' | 'aborted';

/** What a failed call means, decided by class and status, never by message text. */
export interface ModelFailure {
  readonly scope: FailureScope;
  /** Short name for counts: rate_limited, overloaded, timeout, connection, bad_body, auth, not_found, refused, quota. */
  readonly kind: string;
  readonly status?: number;
  /** Whether the endpoint asked for less load. */
  readonly overloaded: boolean;
  /** How long it asked to be left alone. */
  readonly waitMs?: number;
  readonly message: string;
}

/** Classifies an error of the OpenAI SDK, or of the network under it. */
export function classifyModelError(error: unknown, nowMs: number): ModelFailure {
  const message = isError(error) ? error.message : String(error);
  if (error instanceof APIUserAbortError) return { scope: 'aborted', kind: 'aborted', overloaded: false, message };
  if (error instanceof APIConnectionTimeoutError) return { scope: 'transient', kind: 'timeout', overloaded: true, message };
  if (error instanceof APIConnectionError) {
    return { scope: 'transient', kind: 'connection', overloaded: false, message: causeMessage(error) };
  }
  if (error instanceof APIError && typeof error.status === 'number') return classifyStatus(error, error.status, nowMs);
  // A 200 whose body is no JSON, or was cut: the call may have been paid for, but there is nothing to keep.
  if (isError(error) && error.name === 'SyntaxError') return { scope: 'transient', kind: 'bad_body', overloaded: false, message };
  if (isSocketError(error)) return { scope: 'transient', kind: 'connection', overloaded: false, message };
  return { scope: 'permanent', kind: 'unexpected', overloaded: false, message };
}

function classifyStatus(error: InstanceType<typeof OpenAI.APIError>, status: number, nowMs: number): ModelFailure {
  const waitMs = retryAfterMs(error.headers, nowMs);
  const base = { status, message: error.message, ...(waitMs === undefined ? {} : { waitMs }) };
  if (status === 429) {
    // OpenAI answers an exhausted account with 429 too; waiting does not help there.
    if (error.code === 'insufficient_quota') return { ...base, scope: 'permanent', kind: 'quota', overloaded: false };
    return { ...base, scope: 'transient', kind: 'rate_limited', overloaded: true };
  }
  if (status >= 500) return { ...base, scope: 'transient', kind: 'overloaded', overloaded: status === 503 || status === 529 };
  if (status === 402) return { ...base, scope: 'permanent', kind: 'quota', overloaded: false };
  if (status === 408 || status === 409 || status === 425) return { ...base, scope: 'transient', kind: 'timeout', overloaded: true };
  if (status === 401 || status === 403 || status === 407) return { ...base, scope: 'permanent', kind: 'auth', overloaded: false };
  // Redirects are not followed: a key must not travel to another host.
  if (status === 404 || status === 405 || status === 410 || status < 400) return { ...base, scope: 'permanent', kind: 'not_found', overloaded: false };
  return { ...base, scope: 'item', kind: error.code === 'content_filter' ? 'content_filter' : 'refused', overloaded: false };
}

/** The way out, for the sentence that ends a run. */
export function adviceFor(kind: string): string {
  switch (kind) {
    case 'auth':
      return 'check the key in the environment variable that apiKeyEnv names, on the machine of the llm worker';
    case 'not_found':
      return 'check baseURL (it usually ends in /v1) and the model id; GET baseURL/models lists what is served';
    case 'quota':
      return 'the account has no credit left; add some and resume the run';
    case 'refused':
      return 'every request was refused; check template, maxTokens and supportsN against what the endpoint allows';
    default:
      return 'see the cause below and resume the run when it is mended';
  }
}

function causeMessage(error: Error): string {
  const causes: string[] = [];
  for (let current: unknown = error; isError(current) && causes.length < 4; current = current.cause) {
    causes.push(current.message || (current as NodeJS.ErrnoException).code || current.name);
  }
  return causes.join(': ');
}

/** By shape: errors of `fetch` and of JSON parsing come from another realm under some runners, where `instanceof` fails. */
function isError(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value;
}

function isSocketError(error: unknown): boolean {
  for (let current: unknown = error; isError(current); current = current.cause) {
    const code = (current as NodeJS.ErrnoException).code;
    if (typeof code === 'string' && /^(E[A-Z]+|UND_ERR_[A-Z_]+)$/.test(code)) return true;
    if (current.name === 'TypeError' && current.message === 'terminated') return true; // undici: body cut off
  }
  return false;
}
