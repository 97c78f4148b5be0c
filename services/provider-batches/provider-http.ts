import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { APIConnectionError, APIConnectionTimeoutError } from 'openai/error';
import type { ModelSpec } from '../../config/spec';
import { readApiKey, readHeaders } from '../endpoints/api-key';
import { endpointLabel, PermanentEndpointError } from '../endpoints/endpoint-errors';
import { adviceFor } from '../endpoints/error-advice';
import { statusError } from '../endpoints/error-body';
import type { ModelFailure } from '../endpoints/model-errors';
import { providerFault } from '../endpoints/provider-fault';
import { createRedact, secretOfHeader } from '../endpoints/secrets';
import { queryOf } from '../endpoints/wire-request';
import { ENQUEUED_LIMIT, EnqueuedLimitError } from './api';

export interface ProviderHttpOptions {
  /** The name that the spec gives the model. */
  readonly name: string;
  readonly spec: ModelSpec;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** The headers that carry the key. */
  readonly keyHeaders: (apiKey: string) => Readonly<Record<string, string>>;
}

export interface ProviderRequest {
  readonly method?: 'GET' | 'POST';
  readonly query?: Readonly<Record<string, string>>;
  /** JSON text, or a form. */
  readonly body?: string | FormData;
  readonly timeoutMs?: number;
}

const REQUEST_TIMEOUT_MS = 60_000;
/** 256 MB over a slow line, either way. */
export const TRANSFER_TIMEOUT_MS = 60 * 60_000;
const NOT_FOUND = 404;

/** Requests to a provider's job API below a model's baseURL, with its key, headers and query; nothing is sent twice, no redirect is followed. */
export class ProviderHttp {
  readonly endpoint: string;
  private readonly redact;
  private readonly headers: Readonly<Record<string, string>>;

  /** @throws PermanentEndpointError when the key is not in the environment */
  constructor(private readonly options: ProviderHttpOptions) {
    const { name, spec, env, keyHeaders } = options;
    this.endpoint = endpointLabel(name, spec);
    const apiKey = readApiKey(name, spec, env);
    const own = readHeaders(name, spec, env);
    this.redact = createRedact([apiKey, ...Object.values(own).map(secretOfHeader)]);
    this.headers = { 'user-agent': 'rehearse', ...(apiKey === undefined ? {} : keyHeaders(apiKey)), ...own };
  }

  /** @param doing for messages, such as `create a batch` */
  async json(doing: string, path: string, request: ProviderRequest = {}): Promise<unknown> {
    return await this.asking(doing, async () => JSON.parse(await (await this.send(path, request)).text()));
  }

  /** The same; undefined for what the provider does not have. */
  async jsonOrNone(doing: string, path: string): Promise<unknown> {
    try {
      return await this.json(doing, path);
    } catch (error) {
      if (error instanceof PermanentEndpointError && error.failure?.status === NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** The lines of a file, as they come. */
  async *lines(doing: string, path: string): AsyncIterable<string> {
    const { body } = await this.asking(doing, async () => await this.send(path, { timeoutMs: TRANSFER_TIMEOUT_MS }));
    if (body === null) return;
    try {
      const lines = createInterface({ input: Readable.fromWeb(body as ReadableStream), crlfDelay: Infinity });
      for await (const line of lines) if (line.trim() !== '') yield line;
    } catch (error) {
      throw this.fault(doing, new APIConnectionError({ message: 'the file broke off', cause: error as Error }));
    }
  }

  private async send(
    path: string,
    { method = 'GET', query = {}, body, timeoutMs = REQUEST_TIMEOUT_MS }: ProviderRequest,
  ): Promise<Response> {
    const { spec, signal } = this.options;
    const { origin, pathname, search } = new URL(spec.baseURL);
    const url = new URL(`${origin}${pathname.replace(/\/+$/, '')}/${path}${search === '' ? queryOf(spec.request) : search}`);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers: { ...this.headers, ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}) },
        ...(body === undefined ? {} : { body }),
        redirect: 'manual',
        signal: AbortSignal.any([signal, timeout]),
      });
    } catch (cause) {
      if (timeout.aborted) throw new APIConnectionTimeoutError();
      throw cause instanceof Error && !signal.aborted ? new APIConnectionError({ message: cause.message, cause }) : cause;
    }
    if (response.ok) return response;
    const error = statusError(response.status, jsonOrText(await response.text()), response.headers);
    throw error.code === ENQUEUED_LIMIT ? new EnqueuedLimitError(this.redact(error.message)) : error;
  }

  private async asking<T>(doing: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.fault(doing, error);
    }
  }

  private fault(doing: string, error: unknown): unknown {
    const { signal } = this.options;
    if (signal.aborted) return signal.reason;
    if (error instanceof EnqueuedLimitError) return error;
    return providerFault(error, doing, { endpoint: this.endpoint, redact: this.redact, advice });
  }
}

function advice(failure: ModelFailure): string {
  switch (failure.kind) {
    case 'auth':
      return 'check that the key in the environment variable that apiKeyEnv names, on the machine of the llm worker, is valid and may order batches';
    case 'not_found':
      return 'check baseURL and models.X.batch.api, or set mode: live where the provider has no batch API';
    case 'refused':
    case 'unsupported':
      return 'fix what it names, or set mode: live where the provider takes no batches of this model';
    default:
      return adviceFor(failure);
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
