import type { ModelSpec } from '../../config/spec';
import type { CallPermit, EndpointLimiter } from '../limits/limiter';
import { sleep } from '../timing/sleep';
import { readApiKey, readHeaders, redactFailure } from './api-key';
import { endpointLabel, permanentError, unavailableError } from './endpoint-errors';
import { EndpointHealth, type SuspectRequest } from './endpoint-health';
import { createEndpointTransport, type EndpointTransport } from './endpoint-transport';
import { readErrorBody } from './error-body';
import { KnownMends } from './mends';
import { classifyModelError, type ModelFailure } from './model-errors';
import { completionTokensOf } from './model-reply';
import { checkBody } from './reply-body';
import { backoffMs } from './retry-timing';
import { createRedact, secretOfHeader } from './secrets';
import { SentRequest } from './sent-request';
import { queryOf } from './wire-request';

/** What is sent, without the model id: that belongs to the endpoint, and to the stage key. */
export interface ModelRequest {
  readonly path: 'completions' | 'chat/completions';
  readonly body: Readonly<Record<string, unknown>>;
  /** Prompt tokens (estimated) plus the most that may come back, for the token budget. */
  readonly tokenEstimate: number;
}

/** The endpoint's JSON body, parsed and as the text that came; its refusal of this one request; or a request that keeps failing and can wait. */
export type CallOutcome =
  | { readonly reply: unknown; readonly text: string; readonly ms: number }
  | { readonly refusal: ModelFailure; readonly ms: number }
  | { readonly setAside: SuspectRequest };

export interface CallOptions {
  /** Aborted to stop: ends a wait, never a call that has begun. */
  readonly signal: AbortSignal;
  /** The request's body as JSON, where the caller has it already. */
  readonly json?: string;
  /** Of the calls that wait for a permit, the one with the lowest rank goes first. Default: 0. */
  readonly rank?: number;
  /** Called when a try has its permit from the limiter. */
  readonly onStart?: () => void;
  /** Told of each fault that is retried; awaited before the request is sent again. */
  readonly onTransient?: (failure: ModelFailure) => unknown;
  /** Awaited each time before the request is sent; when it throws, nothing is sent. */
  readonly beforeSend?: () => Promise<void>;
  /** What an earlier call of this very request returned when it was set aside. */
  readonly suspect?: SuspectRequest;
  /** After failing for this long the call returns `setAside`, so that its caller can do something else; without it, it is retried on. */
  readonly setAsideAfterMs?: number;
}

export interface ModelClient {
  /** Which model and where, for messages: `model "name" at URL`. */
  readonly endpoint: string;
  /**
   * One model call: waits for the endpoint's limiter, retries transient faults, and returns the raw body. A request that keeps
   * failing while others succeed is refused with the kind of its failures.
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
  /** What the endpoint is known to want otherwise; shared by all clients of it. */
  readonly mends?: KnownMends;
  /** Clients with the same transport share its connections. */
  readonly transport?: EndpointTransport;
  readonly random?: () => number;
}

const GIVE_UP_AFTER_MS = 10 * 60_000;
/** So many failures of one call in a row that a wrong baseURL would cause, while the endpoint has never answered, mean a wrong baseURL. */
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
    mends: known = new KnownMends(),
  } = options;
  const endpoint = endpointLabel(name, spec);
  const apiKey = readApiKey(name, spec, env);
  const own = readHeaders(name, spec, env);
  const redact = createRedact([apiKey, ...Object.values(own).map(secretOfHeader)]);
  const headers = Object.entries({
    'content-type': 'application/json',
    accept: 'application/json',
    'user-agent': 'rehearse',
    // Where a header of the spec's is the key, an authorization that is none would be refused.
    ...(apiKey === undefined && Object.keys(own).length > 0 ? {} : { authorization: `Bearer ${apiKey ?? 'none'}` }),
    ...own,
  }).flat();
  const { origin, pathname, search } = new URL(spec.baseURL);
  const base = pathname.replace(/\/+$/, '');
  const query = search === '' ? queryOf(spec.request) : search;
  const { timeoutMs } = spec.limits;
  async function once(path: string, { body, maxReplyBytes }: SentRequest): Promise<{ readonly reply: unknown; readonly text: string }> {
    const text = await transport.post({ origin, path: `${base}/${path}${query}`, headers, body, timeoutMs, maxBytes: maxReplyBytes });
    return { reply: checkBody(parseText(text)), text };
  }

  return {
    endpoint,
    async call(
      request,
      {
        signal,
        json = JSON.stringify(request.body),
        rank = 0,
        onStart,
        onTransient,
        beforeSend,
        suspect: earlier,
        setAsideAfterMs = Number.POSITIVE_INFINITY,
      },
    ) {
      const calledMs = Date.now();
      const sent = new SentRequest(request.body, json, { spec, known });
      let suspect = earlier;
      let isSetAside = false;
      try {
        for (;;) {
          if (suspect !== undefined) await sleep(suspect.waitMs(Date.now()), signal);
          const permit = await limiter.acquire(request.tokenEstimate, signal, rank);
          onStart?.();
          if (beforeSend !== undefined) await orRelease(permit, beforeSend);
          const startMs = Date.now();
          const start = performance.now();
          try {
            // Not tied to the signal: a call that has begun is billed, so it may finish and is journalled.
            const { reply, text } = await once(request.path, sent);
            sent.worked();
            permit.succeeded(completionTokensOf(reply));
            if (suspect === undefined) health.firstTry(startMs, true);
            else health.answered();
            return { reply, text, ms: performance.now() - start };
          } catch (error) {
            const failure = sent.named(redactFailure(classifyModelError(error, Date.now()), redact));
            permit.failed({ overloaded: failure.overloaded, waitMs: failure.waitMs });
            if (sent.mend(failure)) continue;
            if (failure.scope === 'item' || isBlocked(failure)) return { refusal: sent.told(failure), ms: performance.now() - start };
            if (endsTheRun(failure, suspect)) throw permanentError(endpoint, sent.told(failure), request);
            if (suspect === undefined) health.firstTry(startMs, false);
            const nowMs = Date.now();
            suspect ??= health.watch(nowMs);
            suspect.failed(failure, nowMs, failure.waitMs ?? backoffMs(suspect.failures, random));
            await onTransient?.(failure);
            if (suspect.isAtFault(nowMs)) {
              return {
                refusal: { ...failure, scope: 'item', message: `${suspect.describe()}; the last time: ${failure.message}` },
                ms: performance.now() - start,
              };
            }
            if (!suspect.othersAreAnswered && nowMs - suspect.sinceMs > giveUpAfterMs) throw unavailableError(endpoint, failure);
            isSetAside = nowMs - calledMs >= setAsideAfterMs;
            if (isSetAside) return { setAside: suspect };
          }
        }
      } finally {
        if (!isSetAside) suspect?.close();
      }
    },
  };

  /** A firewall before the endpoint takes a prompt for an attack: that is about this request, since others were answered. */
  function isBlocked({ kind, page }: ModelFailure): boolean {
    return kind === 'auth' && page === true && health.hasAnswered;
  }

  function endsTheRun({ scope, kind }: ModelFailure, suspect: SuspectRequest | undefined): boolean {
    // A host name that is not found, or a body that is no reply, can be a passing fault of the network; but not if the endpoint never answered.
    if (kind === 'no_host' || kind === 'bad_body') {
      return !health.hasAnswered && (suspect?.timesInRow(kind) ?? 0) + 1 >= WRONG_ADDRESS_AFTER;
    }
    return scope === 'permanent';
  }
}

/** Gives the permit back when nothing can be sent after all. */
async function orRelease(permit: CallPermit, beforeSend: () => Promise<void>): Promise<void> {
  try {
    await beforeSend();
  } catch (error) {
    permit.failed({ overloaded: false });
    throw error;
  }
}

function parseText(text: string): unknown {
  if (/^(:[^\n]*\n|\s)*(data|event):/.test(text)) throw streamedReply();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`the reply is no JSON: ${readErrorBody(text).message.slice(0, 120) || '(empty)'}`, { cause });
  }
}

/** The error of a reply that came as events, from an endpoint that streams unless it is told not to. */
function streamedReply(): SyntaxError {
  const error = new SyntaxError('the reply is a stream of events, which was not asked for');
  return Object.assign(error, { param: 'stream' });
}
