import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai/error';
import { retryAfterMs } from './retry-timing';

/**
 * transient: worth another try of the same call; permanent: no call to this endpoint can succeed until somebody changes
 * something; item: this one request was refused, others may pass.
 */
export type FailureScope = 'transient' | 'permanent' | 'item' | 'aborted';

/** What a failed call means, decided by class and status, never by message text. */
export interface ModelFailure {
  readonly scope: FailureScope;
  /**
   * Short name for counts: rate_limited, overloaded, server_error, timeout, connection, bad_body, no_host, tls, auth,
   * not_found, redirect, quota, refused, context_overflow, content_filter, unsupported.
   */
  readonly kind: string;
  readonly status?: number;
  /** Whether the endpoint asked for less load. */
  readonly overloaded: boolean;
  /** How long it asked to be left alone. */
  readonly waitMs?: number;
  /** The request did not reach the endpoint, so that it cannot have been billed. */
  readonly unsent?: true;
  /** The request's parameter that the endpoint complains of. */
  readonly param?: string;
  readonly message: string;
}

/** Codes and types of OpenAI's errors (and of those who follow it) that say more than the status. */
const QUOTA_CODES = new Set(['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active', 'access_terminated']);
const OVERFLOW_CODES = new Set(['context_length_exceeded', 'exceed_context_size_error']);
const UNSUPPORTED_CODES = new Set(['unsupported_parameter', 'unsupported_value', 'unknown_parameter']);

/** Errors that come before a connection does. */
const NO_CONNECTION = /^(ECONNREFUSED|ENOTFOUND|EAI_[A-Z]+|E(HOST|NET)UNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** Classifies an error of the OpenAI SDK, or of the network under it. */
export function classifyModelError(error: unknown, nowMs: number): ModelFailure {
  const message = isError(error) ? error.message : String(error);
  if (error instanceof APIUserAbortError) return { scope: 'aborted', kind: 'aborted', overloaded: false, message };
  if (error instanceof APIConnectionTimeoutError) return { scope: 'transient', kind: 'timeout', overloaded: true, message };
  if (error instanceof APIError && typeof error.status === 'number') return classifyStatus(error, error.status, nowMs);
  // A 200 whose body is no JSON, or was cut: the call may have been paid for, but there is nothing to keep.
  if (isError(error) && error.name === 'SyntaxError') return { scope: 'transient', kind: 'bad_body', overloaded: false, message };
  if (error instanceof APIConnectionError || isSocketError(error)) return classifyConnection(error);
  return { scope: 'permanent', kind: 'unexpected', overloaded: false, message };
}

function classifyConnection(error: Error): ModelFailure {
  const message = causeMessage(error);
  const codes = causesOf(error).map((cause) => (cause as NodeJS.ErrnoException).code ?? '');
  const unsent = codes.some((code) => NO_CONNECTION.test(code)) ? { unsent: true as const } : {};
  // A name server that is away says EAI_AGAIN; ENOTFOUND says that there is no such host.
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
  // OpenAI answers an exhausted account with 429 or 400 too; waiting does not help there.
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
  // It names one of our parameters as unknown to it: no request with that parameter can pass.
  if (says(UNSUPPORTED_CODES)) return { ...base, scope: 'permanent', kind: 'unsupported' };
  return { ...base, scope: 'item', kind: 'refused' };
}

/** What of a request decides which advice helps. */
export interface RequestTraits {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The way out, for the sentence that ends a run. */
export function adviceFor({ kind, param }: { readonly kind: string; readonly param?: string }, request?: RequestTraits): string {
  switch (kind) {
    case 'auth':
      return 'check the key in the environment variable that apiKeyEnv names, on the machine of the llm worker';
    case 'not_found':
      return 'check baseURL (it usually ends in /v1) and the model id; GET baseURL/models lists what is served';
    case 'redirect':
      return 'write the address to which it redirects as baseURL, if you trust it with your key';
    case 'no_host':
      return "check the host name in baseURL, and that this machine's name server knows it";
    case 'tls':
      return 'check that baseURL has the right scheme (http or https) and host; for a certificate of your own, set NODE_EXTRA_CA_CERTS on the llm worker';
    case 'bad_body':
      return 'baseURL does not seem to be an OpenAI-compatible API (it usually ends in /v1)';
    case 'quota':
      return 'the account has no credit left; add some and resume the run';
    case 'refused':
    case 'context_overflow':
    case 'unsupported':
      return refusalAdvice(param, request);
    default:
      return 'see the cause below and resume the run when it is mended';
  }
}

/** A refusal is about the request: what it asked for beyond a prompt is what an endpoint may lack. */
function refusalAdvice(param: string | undefined, request: RequestTraits | undefined): string {
  const body = request?.body ?? {};
  const asks: Record<string, string | undefined> = {
    n:
      typeof body['n'] === 'number' && body['n'] > 1
        ? `the requests ask for n = ${body['n']} samples: set supportsN: false for this model if it does not take n`
        : undefined,
    logprobs:
      body['logprobs'] === undefined
        ? undefined
        : 'the requests ask for logprobs: set synthesis.judge.scoring: text if the endpoint gives none',
    max_tokens:
      typeof body['max_tokens'] === 'number'
        ? `the requests ask for up to ${body['max_tokens']} tokens: lower maxTokens if that is more than the endpoint allows`
        : undefined,
  };
  const named = param === undefined ? undefined : asks[param === 'top_logprobs' ? 'logprobs' : param];
  if (named !== undefined) return named;
  const all = Object.values(asks).filter((line) => line !== undefined);
  if (request?.path === 'completions') all.push('check template, since raw prompts are sent');
  return all.length === 0 ? 'check template, maxTokens and supportsN against what the endpoint allows' : all.join('; ');
}

function causeMessage(error: Error): string {
  return causesOf(error)
    .map((cause) => cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name))
    .join(': ');
}

/** The error, its cause, the cause of that; of an AggregateError (one host, several addresses) the first. */
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
      // undici says "terminated" when a body is cut off; HPE_… are replies that are no HTTP.
      /^(E[A-Z_]+|(UND_ERR|HPE|ERR_SSL|ERR_TLS)_[A-Z0-9_]+|[A-Z_]*CERT[A-Z_]*)$/.test((cause as NodeJS.ErrnoException).code ?? '') ||
      (cause.name === 'TypeError' && cause.message === 'terminated'),
  );
}
