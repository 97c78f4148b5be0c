import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import {
  choiceOf,
  completionTokens,
  defaultReply,
  promptOf,
  tokenize,
  type CompletionBody,
  type CompletionLogprobs,
  type FakeText,
} from './fake-replies';

/** What goes wrong with one request. */
export type Fault =
  /** An HTTP status with OpenAI's error body, or with a literal one. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly code?: string;
      readonly message?: string;
      readonly body?: string;
    }
  /** The connection is reset before any reply. */
  | { readonly kind: 'reset' }
  /** Bytes that are no HTTP. */
  | { readonly kind: 'no-http' }
  /** The connection is cut within the headers. */
  | { readonly kind: 'cut-headers' }
  /** No reply ever. */
  | { readonly kind: 'hang' }
  /** Headers and half of the body, then nothing more. */
  | { readonly kind: 'slow-body' }
  /** A byte now and then, never the whole. */
  | { readonly kind: 'dripping-body' }
  /** Headers and half of the body, then the connection is cut. */
  | { readonly kind: 'cut-body' }
  /** A whole reply whose JSON ends too early. */
  | { readonly kind: 'truncated-json' }
  /** Status 200 with this body. */
  | { readonly kind: 'body'; readonly body: string; readonly contentType?: string }
  | { readonly kind: 'empty-choices' }
  | { readonly kind: 'content-filter' };

/** A request that arrived, whether or not it was answered. */
export interface ReceivedRequest {
  /** 1-based, in order of arrival. */
  readonly number: number;
  /** Path after `/v1/`. */
  readonly path: string;
  readonly body: CompletionBody;
  readonly headers: IncomingHttpHeaders;
  /** SHA-256 of path and body: the same hash means the same call. */
  readonly bodyHash: string;
  /** What `itemOf` says. */
  readonly item: string | undefined;
  /** Whether the whole of a good reply was sent. */
  answered: boolean;
}

export interface FakeEndpointOptions {
  /** Time before each reply. */
  readonly latencyMs?: number;
  /** Model ids that are served; others get 404. Without it, every id is. */
  readonly models?: readonly string[];
  /** The key that requests must carry; others get 401. */
  readonly apiKey?: string;
  /** `false`: a request with n > 1 gets 400, as some servers do. */
  readonly supportsN?: boolean;
  /** Prompt tokens plus max_tokens above this get 400 `context_length_exceeded`. */
  readonly contextTokens?: number;
  readonly completionLogprobs?: CompletionLogprobs;
  /** `true`: one choice is given, whatever n asks for. */
  readonly ignoresN?: boolean;
  /** `true`: no logprobs are given, whatever is asked for. */
  readonly ignoresLogprobs?: boolean;
  /** `true`: replies have no `usage`. */
  readonly withoutUsage?: boolean;
  /** Which item of a batch a request is for, for counting. */
  readonly itemOf?: (path: string, body: CompletionBody) => string | undefined;
  readonly reply?: (path: string, body: CompletionBody, sample: number) => FakeText;
  /** What goes wrong with a request for which no fault is scripted. */
  readonly faultOf?: (request: ReceivedRequest) => Fault | undefined;
}

interface Scripted {
  readonly fault: Fault;
  readonly when: (request: ReceivedRequest) => boolean;
  left: number;
}

/** A local HTTP server that speaks the OpenAI API, replies deterministically, and counts every request. */
export class FakeEndpoint {
  readonly requests: ReceivedRequest[] = [];
  /** Most requests that were open at the same time. */
  maxInFlight = 0;
  private inFlight = 0;
  private readonly faults: Scripted[] = [];
  private readonly events = new EventEmitter().setMaxListeners(0);
  private held: (() => void)[] | undefined;
  private readonly server = createServer((request, response) => {
    this.handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  private constructor(private readonly options: FakeEndpointOptions) {}

  /** @param port where a closed one was, to come back there; else any */
  static async start(options: FakeEndpointOptions = {}, port = 0): Promise<FakeEndpoint> {
    const endpoint = new FakeEndpoint(options);
    await new Promise<void>((resolve) => endpoint.server.listen(port, '127.0.0.1', resolve));
    return endpoint;
  }

  /** Base URL, with `/v1`. */
  get baseURL(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** The next `times` requests for which `when` holds fail so. Faults scripted first come first. */
  inject(
    fault: Fault,
    { times = 1, when = () => true }: { readonly times?: number; readonly when?: (request: ReceivedRequest) => boolean } = {},
  ): void {
    this.faults.push({ fault, when, left: times });
  }

  /** Forgets the faults that have not come yet. */
  clearFaults(): void {
    this.faults.length = 0;
  }

  /** From now on requests arrive but are not answered, until {@link release}. */
  hold(): void {
    this.held ??= [];
  }

  release(): void {
    const waiting = this.held ?? [];
    this.held = undefined;
    for (const go of waiting) go();
  }

  /** Returns once this many requests have arrived in all. */
  async received(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((resolve) => this.events.once('request', resolve));
  }

  /** How many requests arrived, by path, item or body hash. */
  countBy(key: 'path' | 'item' | 'bodyHash'): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const request of this.requests) {
      const name = request[key] ?? '(none)';
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  /** Requests that were sent although the same one had been answered before: paid twice. */
  paidTwice(): ReceivedRequest[] {
    const answered = new Set<string>();
    return this.requests.filter(({ bodyHash, answered: done }) => {
      const again = answered.has(bodyHash);
      if (done) answered.add(bodyHash);
      return again;
    });
  }

  /** Breaks all connections, those of requests that hang too. */
  dropConnections(): void {
    this.server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.release();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (incoming.url ?? '').replace(/^\/v1\//, '');
    if (incoming.method === 'GET' && path === 'models') {
      const refusal = this.keyRefusal(incoming.headers);
      if (refusal !== undefined) sendFault(response, refusal, '');
      else {
        sendJson(response, 200, { object: 'list', data: (this.options.models ?? ['fake-model']).map((id) => ({ id, object: 'model' })) });
      }
      return;
    }
    const raw = await readText(incoming);
    const body = JSON.parse(raw) as CompletionBody;
    const request: ReceivedRequest = {
      number: this.requests.length + 1,
      path,
      body,
      headers: incoming.headers,
      bodyHash: createHash('sha256').update(`${path}\n${raw}`).digest('hex'),
      item: this.options.itemOf?.(path, body),
      answered: false,
    };
    this.requests.push(request);
    this.maxInFlight = Math.max(this.maxInFlight, ++this.inFlight);
    response.once('close', () => this.inFlight--);
    this.events.emit('request');

    const scripted = this.faults.find(({ left, when }) => left > 0 && when(request));
    if (scripted !== undefined) scripted.left--;
    const fault = scripted?.fault ?? this.options.faultOf?.(request);
    if (this.options.latencyMs !== undefined) await new Promise((resolve) => setTimeout(resolve, this.options.latencyMs));
    if (this.held !== undefined) await new Promise<void>((resolve) => this.held?.push(resolve));

    const refusal = this.refusalOf(request);
    if (refusal !== undefined) sendFault(response, refusal, '');
    else if (fault === undefined) this.answer(request, response, this.replyTo(request));
    else if (fault.kind === 'empty-choices') this.answer(request, response, { ...this.replyTo(request), choices: [] });
    else if (fault.kind === 'content-filter') {
      this.answer(request, response, this.replyTo(request, { text: '', finishReason: 'content_filter' }));
    } else sendFault(response, fault, JSON.stringify(this.replyTo(request)));
  }

  private answer(request: ReceivedRequest, response: ServerResponse, reply: Record<string, unknown>): void {
    response.once('finish', () => (request.answered = true));
    sendJson(response, 200, reply);
  }

  /** What a real server refuses by itself. */
  private refusalOf({ path, body, headers }: ReceivedRequest): Fault | undefined {
    const { models, supportsN, contextTokens } = this.options;
    const keyRefusal = this.keyRefusal(headers);
    if (keyRefusal !== undefined) return keyRefusal;
    if (path !== 'completions' && path !== 'chat/completions') return { kind: 'status', status: 404, message: `no route for ${path}` };
    if (models !== undefined && !models.includes(body.model ?? '')) {
      return { kind: 'status', status: 404, code: 'model_not_found', message: `The model "${body.model}" does not exist.` };
    }
    if (supportsN === false && (body.n ?? 1) > 1) return { kind: 'status', status: 400, message: 'n > 1 is not supported' };
    const tokens = tokenize(promptOf(body)).length + (body.max_tokens ?? 0);
    if (contextTokens !== undefined && tokens > contextTokens) {
      const message = `This model's maximum context length is ${contextTokens} tokens; you asked for ${tokens}.`;
      return { kind: 'status', status: 400, code: 'context_length_exceeded', message };
    }
    return undefined;
  }

  private keyRefusal({ authorization }: IncomingHttpHeaders): Fault | undefined {
    const { apiKey } = this.options;
    if (apiKey === undefined || authorization === `Bearer ${apiKey}`) return undefined;
    const sent = authorization?.replace('Bearer ', '') ?? '';
    return { kind: 'status', status: 401, code: 'invalid_api_key', message: `Incorrect API key provided: ${sent}.` };
  }

  private replyTo({ path, body, bodyHash }: ReceivedRequest, fixed?: FakeText): Record<string, unknown> {
    const {
      reply = defaultReply,
      completionLogprobs = 'legacy',
      ignoresN = false,
      ignoresLogprobs = false,
      withoutUsage = false,
    } = this.options;
    const asked = ignoresLogprobs ? { ...body, logprobs: null } : body;
    const choices = Array.from({ length: ignoresN ? 1 : (body.n ?? 1) }, (_, sample) =>
      choiceOf(path, asked, sample, fixed ?? reply(path, body, sample), completionLogprobs),
    );
    const prompt = tokenize(promptOf(body)).length;
    const completion = choices.reduce((sum, choice) => sum + completionTokens(choice), 0);
    return {
      id: `cmpl-${bodyHash.slice(0, 12)}`,
      object: path === 'completions' ? 'text_completion' : 'chat.completion',
      created: 0,
      model: body.model,
      choices,
      ...(withoutUsage ? {} : { usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion } }),
    };
  }
}

function sendFault(response: ServerResponse, fault: Fault, goodBody: string): void {
  switch (fault.kind) {
    case 'status':
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(
        fault.body ??
          JSON.stringify({ error: { message: fault.message ?? `scripted ${fault.status}`, type: 'scripted', code: fault.code ?? null } }),
      );
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'no-http':
      response.socket?.end('SSH-2.0-OpenSSH_9.6\r\n');
      return;
    case 'cut-headers':
      response.socket?.end('HTTP/1.1 200 OK\r\ncontent-ty');
      return;
    case 'slow-body':
    case 'cut-body':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(goodBody) });
      response.write(goodBody.slice(0, goodBody.length / 2), () => {
        if (fault.kind === 'cut-body') response.destroy();
      });
      return;
    case 'dripping-body': {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(goodBody) });
      let sent = 0;
      const drip = setInterval(() => response.write(goodBody.slice(sent, ++sent)), 20);
      response.once('close', () => clearInterval(drip));
      return;
    }
    case 'truncated-json':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(goodBody.slice(0, goodBody.length / 2));
      return;
    case 'body':
      response.writeHead(200, { 'content-type': fault.contentType ?? 'application/json' });
      response.end(fault.body);
      return;
    default: // hang: the connection stays open until one side closes it
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** An endpoint of its own for each test, ended after it. Call where the tests are declared; call the result within a test. */
export function useFakeEndpoint(options: FakeEndpointOptions = {}): () => FakeEndpoint {
  let endpoint: FakeEndpoint | undefined;
  beforeEach(async () => {
    endpoint = await FakeEndpoint.start(options);
  });
  afterEach(async () => await endpoint?.close());
  return () => {
    if (endpoint === undefined) throw new Error('the endpoint is there only within a test and its hooks');
    return endpoint;
  };
}
