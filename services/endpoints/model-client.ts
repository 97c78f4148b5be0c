import type { ModelSpec } from '../../config/spec';
import type { FailureType } from '../../contract/failures';
import { EndpointLimiter, type Slot } from '../limits/limiter';
import { sleep } from '../timing/sleep';
import { EndpointHealth, type Trouble } from './endpoint-health';
import { createEndpointTransport, type EndpointTransport } from './endpoint-transport';
import { readErrorBody, statusError } from './error-body';
import { adviceFor, classifyModelError, type ModelFailure } from './model-errors';
import { completionTokensOf } from './model-reply';
import { backoffMs } from './retry-timing';

/** What is sent, without the model id: that is the endpoint's business and the stage key's. */
export interface ModelRequest {
  readonly path: 'completions' | 'chat/completions';
  readonly body: Readonly<Record<string, unknown>>;
  /** Prompt tokens (estimated) plus the most that may come back, for the token budget. */
  readonly tokenEstimate: number;
}

/** The endpoint's JSON body, parsed and as the text that came; its refusal of this one request; or a request that fails again and again and can wait. */
export type CallOutcome =
  | { readonly reply: unknown; readonly text: string; readonly ms: number }
  | { readonly refusal: ModelFailure; readonly ms: number }
  | { readonly setAside: Trouble };

export interface CallOptions {
  /** Aborted to stop: ends a wait, never a call that has begun. */
  readonly signal: AbortSignal;
  /** The request's body as JSON, where the caller has it already. */
  readonly json?: string;
  /** Of the calls that wait for a place, the one with the lowest rank goes first. Default: 0. */
  readonly rank?: number;
  /** A try has its place at the limiter. */
  readonly onStart?: () => void;
  /** Told of each fault that is ridden out, and waited for before the request is sent again. */
  readonly onTransient?: (failure: ModelFailure) => unknown;
  /** Waited for each time before the request is sent; when it throws, nothing is sent. */
  readonly beforeSend?: () => Promise<void>;
  /** What an earlier call of this very request left, when it was set aside. */
  readonly trouble?: Trouble;
  /** Time of failure after which the caller would rather do something else meanwhile; without it the call goes on. */
  readonly setAsideAfterMs?: number;
}

/** No call to this endpoint can succeed until somebody changes something. */
export class PermanentEndpointError extends Error {
  override readonly name = 'PermanentEndpointError' satisfies FailureType;

  /** @param failure what the endpoint answered, where a request was sent */
  constructor(
    message: string,
    readonly failure?: ModelFailure,
  ) {
    super(message);
  }
}

/** The endpoint did not answer, or stayed overloaded, for too long; a later attempt may find it well. */
export class EndpointUnavailableError extends Error {
  override readonly name = 'EndpointUnavailableError' satisfies FailureType;
  /** Whether the request did not reach the endpoint, or was turned away by its rate limit, so that nothing came of it. */
  readonly unsent: boolean;
  /** When to ask again, where that is known. */
  readonly waitMs: number | undefined;

  constructor(message: string, { unsent = false, waitMs }: { readonly unsent?: boolean; readonly waitMs?: number } = {}) {
    super(message);
    this.unsent = unsent;
    this.waitMs = waitMs;
  }
}

/** Counts of what was ridden out, by kind. */
export type TransientCounts = Record<string, number>;

export interface ModelClient {
  /** Which model and where, for messages: `model "name" at URL`. */
  readonly endpoint: string;
  /**
   * One model call: waits for the endpoint's limiter, rides out transient faults, and returns the raw body. A request that fails
   * again and again while others pass is refused with the kind of its failures.
   * @throws PermanentEndpointError, EndpointUnavailableError, or the signal's reason
   */
  call(request: ModelRequest, options: CallOptions): Promise<CallOutcome>;
}

export interface ModelClientOptions {
  /** The name that the spec gives the model, for messages. */
  readonly name: string;
  readonly spec: ModelSpec;
  readonly limiter: EndpointLimiter;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Longest time of uninterrupted failure before the batch is given back to Temporal. */
  readonly giveUpAfterMs?: number;
  /** Shared by all clients of the endpoint. */
  readonly health?: EndpointHealth;
  /** Clients that share it share their connections. */
  readonly transport?: EndpointTransport;
  readonly random?: () => number;
}

const GIVE_UP_AFTER_MS = 10 * 60_000;
/** Failures of one call in a row that look like a wrong baseURL, before it is taken for one; only while nothing has ever been answered. */
const WRONG_ADDRESS_AFTER = 4;

/** A {@link ModelClient} that retries by itself, with the limiter in front of each try. */
export function createModelClient(options: ModelClientOptions): ModelClient {
  const {
    name,
    spec,
    limiter,
    env,
    giveUpAfterMs = GIVE_UP_AFTER_MS,
    random = Math.random,
    transport = createEndpointTransport(),
    health = new EndpointHealth(),
  } = options;
  const apiKey = readApiKey(name, spec, env);
  const headers = [
    'content-type',
    'application/json',
    'accept',
    'application/json',
    'user-agent',
    'rehearse',
    'authorization',
    `Bearer ${apiKey ?? 'none'}`,
  ];
  const { origin, pathname, search } = new URL(spec.baseURL);
  const base = pathname.replace(/\/+$/, '');
  const { timeoutMs } = spec.limits;
  const model = `{"model":${JSON.stringify(spec.model)}`;

  async function once(path: string, body: Buffer): Promise<{ readonly reply: unknown; readonly text: string }> {
    const text = await transport.post({ origin, path: `${base}/${path}${search}`, headers, body, timeoutMs });
    return { reply: checkBody(parseText(text)), text };
  }

  return {
    endpoint: labelOf(name, spec),
    async call(
      request,
      {
        signal,
        json = JSON.stringify(request.body),
        rank = 0,
        onStart,
        onTransient,
        beforeSend,
        trouble: earlier,
        setAsideAfterMs = Number.POSITIVE_INFINITY,
      },
    ) {
      const calledMs = Date.now();
      // Bytes, which lie outside the heap: a text in flight would be copied by each collection of young objects.
      const body = Buffer.from(json === '{}' ? `${model}}` : `${model},${json.slice(1)}`);
      let trouble = earlier;
      let waits = false;
      try {
        for (;;) {
          if (trouble !== undefined) await sleep(trouble.waitMs(Date.now()), signal);
          const slot = await limiter.acquire(request.tokenEstimate, signal, rank);
          onStart?.();
          if (beforeSend !== undefined) await orLeave(slot, beforeSend);
          const startMs = Date.now();
          const start = performance.now();
          try {
            // Not tied to the signal: a call that has begun is paid for, so it is let finish and journalled.
            const { reply, text } = await once(request.path, body);
            slot.succeeded(completionTokensOf(reply));
            if (trouble === undefined) health.firstTry(startMs, true);
            else health.answered();
            return { reply, text, ms: performance.now() - start };
          } catch (error) {
            const failure = redact(classifyModelError(error, Date.now()), apiKey);
            slot.failed({ overloaded: failure.overloaded, waitMs: failure.waitMs });
            if (failure.scope === 'item') return { refusal: failure, ms: performance.now() - start };
            if (endsTheRun(failure, trouble)) throw permanentError(name, spec, failure, request);
            if (trouble === undefined) health.firstTry(startMs, false);
            const nowMs = Date.now();
            trouble ??= health.watch(nowMs);
            trouble.failed(failure, nowMs, failure.waitMs ?? backoffMs(trouble.failures, random));
            await onTransient?.(failure);
            if (trouble.isTheRequests(nowMs)) {
              return {
                refusal: { ...failure, scope: 'item', message: `${trouble.describe()}; the last time: ${failure.message}` },
                ms: performance.now() - start,
              };
            }
            if (!trouble.othersPass && nowMs - trouble.sinceMs > giveUpAfterMs) throw unavailableError(name, spec, failure);
            waits = nowMs - calledMs >= setAsideAfterMs;
            if (waits) return { setAside: trouble };
          }
        }
      } finally {
        if (!waits) trouble?.close();
      }
    },
  };

  function endsTheRun({ scope, kind }: ModelFailure, trouble: Trouble | undefined): boolean {
    // A name or a page in the way may be a passing trouble of the network, but not where nothing has ever been right.
    if (kind === 'no_host' || kind === 'bad_body') return !health.hasAnswered && (trouble?.timesOf(kind) ?? 0) + 1 >= WRONG_ADDRESS_AFTER;
    return scope === 'permanent';
  }
}

/** Gives the limiter's place back when there is nothing to send after all. */
async function orLeave(slot: Slot, beforeSend: () => Promise<void>): Promise<void> {
  try {
    await beforeSend();
  } catch (error) {
    slot.failed({ overloaded: false });
    throw error;
  }
}

/**
 * A body with status 200 that is no reply: a proxy's page, or an error that a gateway passes on in this way. An empty list of
 * choices is a reply: what to make of it is the stage's business.
 * @throws SyntaxError, or APIError with the status that the body tells
 */
function checkBody(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) throw new SyntaxError('the reply is no JSON object');
  const { choices, error, detail } = body as { choices?: unknown; error?: unknown; detail?: unknown };
  if (Array.isArray(choices)) return body;
  if (choices === undefined || choices === null) {
    const code = Number((error as { code?: unknown } | null | undefined)?.code);
    if (error !== undefined && error !== null) throw statusError(code >= 400 && code < 600 ? code : 502, body, new Headers());
    if (detail !== undefined) throw statusError(502, body, new Headers());
  }
  throw new SyntaxError(`the reply has no list of choices: ${JSON.stringify(body).slice(0, 120)}`);
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`the reply is no JSON: ${readErrorBody(text).message.slice(0, 120) || '(empty)'}`, { cause });
  }
}

function labelOf(name: string, spec: ModelSpec): string {
  return `model "${name}" at ${spec.baseURL}`;
}

/** The sentence that ends a run: what, which endpoint, what to do. */
export function permanentError(name: string, spec: ModelSpec, failure: ModelFailure, request: ModelRequest): PermanentEndpointError {
  const status = failure.status === undefined ? '' : ` (HTTP ${failure.status})`;
  const fate = failure.status === undefined ? 'cannot be called' : 'refuses every call';
  return new PermanentEndpointError(
    `${labelOf(name, spec)} ${fate}${status}: ${shorten(failure.message)}; ${adviceFor(failure, request)}`,
    failure,
  );
}

function unavailableError(name: string, spec: ModelSpec, failure: ModelFailure): EndpointUnavailableError {
  return new EndpointUnavailableError(
    `${labelOf(name, spec)} has not answered for a long time (${failure.kind}: ${shorten(failure.message)}); it will be tried again`,
  );
}

/** The key that a model's requests carry; undefined where it needs none. @throws PermanentEndpointError when the environment has none that could be sent */
export function readApiKey(name: string, spec: ModelSpec, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (spec.apiKeyEnv === undefined) return undefined;
  const key = env[spec.apiKeyEnv];
  if (key === undefined || key === '') {
    throw new PermanentEndpointError(
      `model "${name}" needs an API key, but the environment variable ${spec.apiKeyEnv} is not set on this llm worker; set it and start the worker again`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new PermanentEndpointError(
      `model "${name}" needs an API key, but the environment variable ${spec.apiKeyEnv} holds white space or characters that no HTTP header can carry; set it to the key alone and start the worker again`,
    );
  }
  return key;
}

/** A failure without the key: endpoints echo parts of a wrong one in their errors. */
export function redact(failure: ModelFailure, apiKey: string | undefined): ModelFailure {
  let message = failure.message.replace(/\b(sk|key|hf)[-_][A-Za-z0-9*_-]{6,}/g, '[redacted]');
  if (apiKey !== undefined) message = message.replaceAll(apiKey, '[redacted]');
  return { ...failure, message };
}

function shorten(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  return line.length <= 300 ? line : `${line.slice(0, 297)}...`;
}
