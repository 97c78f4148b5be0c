import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchApiName } from '../../config/batch-apis';
import { choiceOf, type CompletionBody, completionTokens, defaultReply, type FakeText, promptOf, tokenize } from './fake-replies';

/** How a batch ends. `done`: lines that are answered first. */
export type Fate =
  | { readonly end: 'completed' }
  | { readonly end: 'expired' | 'cancelled'; readonly done: number }
  | { readonly end: 'failed'; readonly code: string };

export interface FakeBatchesOptions {
  readonly api?: BatchApiName;
  readonly apiKey?: string;
  /** Looks at a batch until it is done. */
  readonly looks?: number;
  readonly fate?: (batch: FakeBatch) => Fate;
  /** The error of a line instead of its answer. */
  readonly lineError?: (body: CompletionBody, batch: FakeBatch) => { readonly status: number; readonly type: string } | undefined;
  /** Tokens that may be enqueued: a batch above it fails with `token_limit_exceeded`. */
  readonly enqueuedTokens?: number;
  readonly reply?: (path: string, body: CompletionBody, sample: number) => FakeText;
  /** A file of results as it is sent the so many-eth time, from 1; without an end, the connection breaks off behind it. */
  readonly sent?: (lines: readonly string[], time: number) => { readonly text: string; readonly isCut?: boolean };
  /** A batch as it is told of. */
  readonly told?: (shown: Record<string, unknown>, batch: FakeBatch) => Record<string, unknown>;
  /** What a request gets instead of its answer; `time`: how often it was asked, from 1. */
  readonly refuse?: (asked: string, time: number) => { readonly status: number; readonly code: string } | undefined;
  /** Until a live call is answered, and billed. */
  readonly latencyMs?: number;
  /** Tokens of a prompt that come from a cache. */
  readonly cached?: (promptTokens: number) => number;
}

interface Line {
  readonly customId: string;
  readonly path: string;
  readonly body: CompletionBody;
  readonly hash: string;
}

export interface FakeBatch {
  readonly id: string;
  /** 1-based, in order of arrival. */
  readonly number: number;
  readonly file: string | undefined;
  readonly lines: readonly Line[];
  readonly metadata: unknown;
  readonly createdAt: number;
  readonly tokens: number;
  looks: number;
  cancelling: boolean;
  fate: Fate | undefined;
  /** Lines of its results; of OpenAI's, those of the file of errors apart. */
  results: { readonly good: readonly string[]; readonly bad: readonly string[] } | undefined;
}

/** What was billed, in tokens. */
export interface FakeBill {
  readonly model: string;
  readonly how: 'live' | 'batch';
  readonly hash: string;
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
}

const CUSTOM_ID = /^[a-zA-Z0-9_-]{1,64}$/;

/**
 * A local provider that speaks a batch API, as its reference tells (see services/provider-batches), and answers live calls beside it; it
 * bills what it has answered, and nothing else.
 */
export class FakeBatches {
  readonly batches: FakeBatch[] = [];
  readonly bills: FakeBill[] = [];
  /** Requests by what they ask for, such as `POST /batches`. */
  readonly asked: string[] = [];
  /** Live calls that have no answer yet. */
  inFlight = 0;
  /** The next batches that are ordered are made, and the answer is lost. */
  loseAnswers = 0;
  private readonly files = new Map<string, string>();
  private readonly downloads = new Map<string, number>();
  private isHeld = false;
  private readonly server = createServer((request, response) => {
    this.handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  private constructor(readonly options: FakeBatchesOptions) {}

  static async start(options: FakeBatchesOptions = {}, port = 0): Promise<FakeBatches> {
    const provider = new FakeBatches(options);
    await new Promise<void>((resolve) => provider.server.listen(port, '127.0.0.1', resolve));
    return provider;
  }

  get baseURL(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  get running(): FakeBatch[] {
    return this.batches.filter(({ fate }) => fate === undefined);
  }

  /** Batches stay in work, however often they are looked at. */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
  }

  /** Requests that were answered and billed more than once. */
  billedTwice(): FakeBill[] {
    const seen = new Set<string>();
    return this.bills.filter(({ hash }) => (seen.has(hash) ? true : (seen.add(hash), false)));
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake');
    const path = pathname.replace(/^\/v1\//, '');
    const raw = await readText(request);
    this.asked.push(`${request.method} /${path.replace(/(file-|batch_|msgbatch_)\w+/, 'ID')}`);
    const { apiKey } = this.options;
    const asked = this.asked.at(-1)!;
    const refusal = this.options.refuse?.(asked, this.asked.filter((each) => each === asked).length);
    if (refusal !== undefined) {
      const { status, code } = refusal;
      sendJson(response, status, { error: { type: code, code, message: `scripted ${code}` } });
      return;
    }
    const sent = request.headers['x-api-key'] ?? request.headers.authorization?.replace('Bearer ', '');
    if (apiKey !== undefined && sent !== apiKey) {
      sendJson(response, 401, {
        error: { type: 'authentication_error', code: 'invalid_api_key', message: `Incorrect API key provided: ${String(sent)}.` },
      });
      return;
    }
    if (request.method === 'GET' && path === 'models') sendJson(response, 200, { object: 'list', data: [] });
    else if (path === 'chat/completions' || path === 'completions') {
      const body = JSON.parse(raw) as CompletionBody;
      this.inFlight++;
      await sleep(this.options.latencyMs ?? 0);
      this.inFlight--;
      sendJson(response, 200, this.answer({ customId: '', path, body, hash: hashOf(path, body) }, 'live'));
    } else if (this.options.api === 'anthropic') this.anthropic(request.method ?? '', path, raw, searchParams, response);
    else this.openai(request.method ?? '', path, raw, searchParams, response);
  }

  private openai(method: string, path: string, raw: string, query: URLSearchParams, response: ServerResponse): void {
    const isTogether = this.options.api === 'together';
    const [room, id = '', what] = path.split('/');
    if (method === 'POST' && path === (isTogether ? 'files/upload' : 'files')) {
      if (!raw.includes(isTogether ? 'batch-api' : '\r\n\r\nbatch\r\n')) {
        sendJson(response, 400, { error: { type: 'invalid_request_error', message: 'wrong purpose', code: null, param: 'purpose' } });
        return;
      }
      const file = `file-${this.files.size + 1}`;
      this.files.set(file, raw.split('\r\n').find((part) => part.startsWith('{')) ?? '');
      sendJson(response, 200, { id: file, object: 'file', purpose: 'batch', status: 'processed', filename: 'requests.jsonl' });
    } else if (room === 'files' && what === 'content') {
      this.send(response, id, (this.files.get(id) ?? '').split('\n'));
    } else if (method === 'POST' && path === 'batches') {
      const asked = JSON.parse(raw) as { input_file_id: string; endpoint: string; completion_window: string; metadata?: unknown };
      const lines = (this.files.get(asked.input_file_id) ?? '')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const { custom_id: customId, url, body } = JSON.parse(line) as { custom_id: string; url?: string; body: CompletionBody };
          if (!isTogether && url !== asked.endpoint) throw new Error(`a line asks for ${url}, the batch for ${asked.endpoint}`);
          const to = asked.endpoint.replace('/v1/', '');
          return { customId, path: to, body, hash: hashOf(to, body) };
        });
      const batch = this.order(lines, asked.input_file_id, asked.metadata, 'batch_');
      if (batch === undefined) sendJson(response, 400, { error: { type: 'invalid_request_error', message: 'invalid custom_id' } });
      else this.orLose(response, isTogether ? { job: this.shown(batch), warning: '' } : this.shown(batch));
    } else if (room === 'batches' && id === '') {
      const listed = [...this.batches].reverse();
      const from = query.get('after') === null ? 0 : listed.findIndex((batch) => batch.id === query.get('after')) + 1;
      const page = isTogether ? listed : listed.slice(from, from + 2); // two a page, so that pages are turned
      const data = page.map((batch) => this.shown(batch));
      sendJson(response, 200, isTogether ? data : { object: 'list', data, has_more: from + page.length < listed.length });
    } else {
      const batch = this.find(id);
      if (batch === undefined) sendJson(response, 404, { error: { message: 'No such batch', type: 'invalid_request_error' } });
      else {
        if (what === 'cancel') this.cancel(batch);
        else this.look(batch);
        sendJson(response, 200, this.shown(batch));
      }
    }
  }

  private anthropic(method: string, path: string, raw: string, query: URLSearchParams, response: ServerResponse): void {
    const [, , id = '', what] = path.split('/');
    if (method === 'POST' && id === '') {
      const { requests } = JSON.parse(raw) as { requests: { custom_id: string; params: CompletionBody }[] };
      const lines = requests.map(({ custom_id: customId, params }) => ({
        customId,
        path: 'chat/completions',
        body: params,
        hash: hashOf('chat/completions', params),
      }));
      const batch = this.order(lines, undefined, undefined, 'msgbatch_');
      if (batch === undefined) {
        sendJson(response, 400, {
          type: 'error',
          error: { type: 'invalid_request_error', message: 'requests: custom_id: String should match pattern' },
        });
      } else this.orLose(response, this.shownMessages(batch));
    } else if (id === '') {
      const listed = [...this.batches].reverse();
      const from = query.get('after_id') === null ? 0 : listed.findIndex((batch) => batch.id === query.get('after_id')) + 1;
      const page = listed.slice(from, from + 2);
      for (const batch of page) this.look(batch); // lists tell how things are
      sendJson(response, 200, { data: page.map((batch) => this.shownMessages(batch)), has_more: from + page.length < listed.length });
    } else {
      const batch = this.find(id);
      if (batch === undefined) sendJson(response, 404, { type: 'error', error: { type: 'not_found_error', message: 'no such batch' } });
      else if (what === 'results') {
        this.send(response, id, [...(batch.results?.good ?? []), ...(batch.results?.bad ?? [])]);
      } else {
        if (what === 'cancel') this.cancel(batch);
        else this.look(batch);
        sendJson(response, 200, this.shownMessages(batch));
      }
    }
  }

  private send(response: ServerResponse, file: string, lines: readonly string[]): void {
    const time = (this.downloads.get(file) ?? 0) + 1;
    this.downloads.set(file, time);
    const { text, isCut = false } = this.options.sent?.(lines, time) ?? { text: lines.join('\n') };
    response.writeHead(200, { 'content-type': 'application/jsonl' });
    if (isCut) response.write(text, () => response.destroy());
    else response.end(text);
  }

  /** Undefined for what the APIs refuse. */
  private order(lines: readonly Line[], file: string | undefined, metadata: unknown, prefix: string): FakeBatch | undefined {
    const ids = new Set(lines.map(({ customId }) => customId));
    if (lines.length === 0 || ids.size < lines.length || [...ids].some((id) => !CUSTOM_ID.test(id))) return undefined;
    const tokens = lines.reduce((sum, { body }) => sum + tokenize(promptOf(body)).length + (body.max_tokens ?? 0), 0);
    const enqueued = this.running.reduce((sum, batch) => sum + batch.tokens, tokens);
    const number = this.batches.length + 1;
    const batch: FakeBatch = {
      id: `${prefix}${number}x`,
      number,
      file,
      lines,
      metadata,
      createdAt: Date.now(),
      tokens,
      looks: 0,
      cancelling: false,
      fate: enqueued > (this.options.enqueuedTokens ?? Infinity) ? { end: 'failed', code: 'token_limit_exceeded' } : undefined,
      results: undefined,
    };
    this.batches.push(batch);
    return batch;
  }

  private find(id: string): FakeBatch | undefined {
    return this.batches.find((batch) => batch.id === id);
  }

  private cancel(batch: FakeBatch): void {
    batch.cancelling = true;
  }

  private look(batch: FakeBatch): void {
    const { looks = 1, fate = () => ({ end: 'completed' }) as const } = this.options;
    if (batch.fate !== undefined || ++batch.looks <= looks) return;
    if (batch.cancelling) this.finish(batch, { end: 'cancelled', done: Math.floor(batch.lines.length / 2) });
    else if (!this.isHeld) this.finish(batch, fate(batch));
  }

  private finish(batch: FakeBatch, fate: Fate): void {
    batch.fate = fate;
    if (fate.end === 'failed') return;
    const done = fate.end === 'completed' ? batch.lines.length : fate.done;
    const good: string[] = [];
    const bad: string[] = [];
    for (const [index, line] of batch.lines.entries()) {
      const error = index < done ? this.options.lineError?.(line.body, batch) : undefined;
      if (index >= done) bad.push(this.resultLine(line, { unrun: fate.end }));
      else if (error !== undefined) bad.push(this.resultLine(line, { error }));
      else good.push(this.resultLine(line, { reply: this.answer(line, 'batch') }));
    }
    batch.results = { good: good.reverse(), bad };
    this.files.set(`file-out${batch.number}`, batch.results.good.join('\n'));
    this.files.set(`file-err${batch.number}`, bad.join('\n'));
  }

  private resultLine(
    { customId }: Line,
    result: { readonly reply: Record<string, unknown> } | { readonly error: { status: number; type: string } } | { readonly unrun: string },
  ): string {
    if (this.options.api === 'anthropic') {
      const inner =
        'reply' in result
          ? { type: 'succeeded', message: messageOf(result.reply) }
          : 'error' in result
            ? { type: 'errored', error: { type: 'error', error: { type: result.error.type, message: 'scripted' } } }
            : { type: result.unrun === 'expired' ? 'expired' : 'canceled' };
      return JSON.stringify({ custom_id: customId, result: inner });
    }
    if ('reply' in result) {
      return JSON.stringify({
        id: 'r',
        custom_id: customId,
        response: { status_code: 200, request_id: 'q', body: result.reply },
        error: null,
      });
    }
    if ('unrun' in result) {
      const code = `batch_${result.unrun}`;
      return JSON.stringify({ id: 'r', custom_id: customId, response: null, error: { code, message: 'This request was not executed' } });
    }
    const { status, type } = result.error;
    const body = { error: { message: 'scripted', type, code: null, param: null } };
    return this.options.api === 'together'
      ? JSON.stringify({ custom_id: customId, error: { code: String(status), type, message: 'scripted' } })
      : JSON.stringify({ id: 'r', custom_id: customId, response: { status_code: status, request_id: 'q', body }, error: null });
  }

  private answer({ path, body, hash }: Line, how: FakeBill['how']): Record<string, unknown> {
    const { reply = defaultReply, cached: cachedOf = () => 0 } = this.options;
    const choices = Array.from({ length: body.n ?? 1 }, (_, sample) => choiceOf(path, body, sample, reply(path, body, sample), 'legacy'));
    const prompt = tokenize(promptOf(body)).length;
    const cached = cachedOf(prompt);
    const completion = choices.reduce((sum, choice) => sum + completionTokens(choice), 0);
    this.bills.push({ model: body.model ?? '', how, hash, prompt, cached, completion });
    return {
      id: `cmpl-${hash.slice(0, 12)}`,
      object: 'chat.completion',
      created: 0,
      model: body.model,
      choices,
      usage: {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        ...(cached === 0 ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
      },
    };
  }

  private orLose(response: ServerResponse, body: unknown): void {
    if (this.loseAnswers > 0) {
      this.loseAnswers--;
      response.socket?.resetAndDestroy();
    } else sendJson(response, 200, body);
  }

  private shown(batch: FakeBatch): Record<string, unknown> {
    const { told = (each) => each } = this.options;
    const isTogether = this.options.api === 'together';
    const state = batch.fate?.end ?? (batch.cancelling ? 'cancelling' : batch.looks === 0 ? 'validating' : 'in_progress');
    const { good, bad } = batch.results ?? { good: [], bad: [] };
    const at = batch.createdAt;
    const shown = {
      id: batch.id,
      input_file_id: batch.file,
      endpoint: '/v1/chat/completions',
      status: isTogether ? state.toUpperCase() : state,
      created_at: isTogether ? new Date(at).toISOString() : Math.floor(at / 1000),
      output_file_id: good.length === 0 ? null : `file-out${batch.number}`,
      error_file_id: bad.length === 0 ? null : `file-err${batch.number}`,
      ...(isTogether
        ? {}
        : {
            metadata: batch.metadata ?? null,
            request_counts: { total: batch.lines.length, completed: good.length, failed: bad.length },
            errors:
              batch.fate?.end === 'failed' ? { object: 'list', data: [{ code: batch.fate.code, message: 'scripted', line: null }] } : null,
          }),
      ...(isTogether && batch.fate?.end === 'failed' ? { error: batch.fate.code } : {}),
    };
    return told(shown, batch);
  }

  private shownMessages(batch: FakeBatch): Record<string, unknown> {
    const { told = (each) => each } = this.options;
    const { good, bad } = batch.results ?? { good: [], bad: [] };
    const count = (type: string): number => bad.filter((line) => line.includes(`"type":"${type}"`)).length;
    const isEnded = batch.fate !== undefined;
    const shown = {
      id: batch.id,
      type: 'message_batch',
      processing_status: isEnded ? 'ended' : batch.cancelling ? 'canceling' : 'in_progress',
      request_counts: {
        processing: isEnded ? 0 : batch.lines.length,
        succeeded: good.length,
        errored: count('errored'),
        canceled: count('canceled'),
        expired: count('expired'),
      },
      created_at: new Date(batch.createdAt).toISOString(),
      results_url: isEnded ? `https://api.anthropic.com/v1/messages/batches/${batch.id}/results` : null,
    };
    return told(shown, batch);
  }
}

/** A chat completion as a message of the Messages API. */
function messageOf(reply: Record<string, unknown>): unknown {
  const [choice] = reply['choices'] as { message: { content: string }; finish_reason: string }[];
  const usage = reply['usage'] as { prompt_tokens: number; completion_tokens: number };
  return {
    id: reply['id'],
    type: 'message',
    role: 'assistant',
    model: reply['model'],
    content: [{ type: 'text', text: choice?.message.content ?? '' }],
    stop_reason: choice?.finish_reason === 'length' ? 'max_tokens' : 'end_turn',
    usage: { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens },
  };
}

function hashOf(path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${path}\n${JSON.stringify(body)}`)
    .digest('hex');
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
