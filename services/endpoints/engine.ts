import type { ModelSpec } from '../../config/spec';
import { readApiKey, readHeaders } from './api-key';
import { beginningOf } from './beginning-of';
import { EndpointUnavailableError } from './endpoint-errors';
import { createRedact, secretOfHeader } from './secrets';
import { queryOf } from './wire-request';

/** Servers whose own request fields are known. */
export type Engine = 'vllm' | 'sglang' | 'llama.cpp';

/** What each says of itself in the `owned_by` of GET /models. */
const OWNERS: Readonly<Record<string, Engine>> = { vllm: 'vllm', sglang: 'sglang', llamacpp: 'llama.cpp' };

/** Most bytes of a list of models that are read. */
const MAX_REPLY_BYTES = 8 << 20;

export interface EngineQuestion {
  /** Name under `models`, for messages. */
  readonly name: string;
  readonly model: ModelSpec;
  /** Where the key and the headers of the spec are. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
}

/**
 * Which engine answers at an endpoint: what serves it by the spec, else what its list of models says.
 * @returns undefined for any other server, a gateway among them
 * @throws EndpointUnavailableError when nobody answers, so that nothing is said of the server
 */
export async function engineAt({ name, model, env, timeoutMs }: EngineQuestion): Promise<Engine | undefined> {
  const { baseURL, serve, request } = model;
  if (serve !== undefined) return serve.engine === 'transformers' ? undefined : serve.engine;
  const url = `${baseURL.replace(/\/+$/, '')}/models`;
  const apiKey = readApiKey(name, model, env);
  const headers = readHeaders(name, model, env);
  const redact = createRedact([apiKey, ...Object.values(headers).map(secretOfHeader)]);
  let reply: Response;
  let text: string;
  try {
    reply = await fetch(`${url}${queryOf(request)}`, {
      headers: { ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }), ...headers },
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error', // which would take the key along
    });
    text = await beginningOf(reply, MAX_REPLY_BYTES);
  } catch (cause) {
    throw new EndpointUnavailableError(`${url} cannot be reached (${redact((cause as Error).message)}); it will be tried again`, {
      unsent: true,
    });
  }
  if (!reply.ok) return undefined;
  try {
    const { data } = JSON.parse(text) as { data?: unknown };
    const owners = Array.isArray(data) ? data.map((entry) => (entry as { owned_by?: unknown } | null)?.owned_by) : [];
    const engines = new Set(owners.map((owner) => (typeof owner === 'string' && Object.hasOwn(OWNERS, owner) ? OWNERS[owner] : undefined)));
    return engines.size === 1 ? [...engines][0] : undefined;
  } catch {
    return undefined; // no list of models
  }
}

/**
 * Fields that make an engine sample from the model's distribution with what the spec says and nothing else: without them it takes top-k,
 * min-p and a repetition penalty from its own defaults, or from the model's generation_config.json. And with them it shows special tokens,
 * and stops at them, so that turns that ran on can be seen.
 */
export function plainSampling(engine: Engine | undefined, stopTokenIds: readonly number[]): Readonly<Record<string, unknown>> {
  if (engine === undefined) return {};
  if (engine === 'llama.cpp') return { top_k: 0, min_p: 0, repeat_penalty: 1 };
  const ids = stopTokenIds.length === 0 ? {} : { stop_token_ids: stopTokenIds };
  return { top_k: -1, min_p: 0, repetition_penalty: 1, skip_special_tokens: false, ...ids };
}
