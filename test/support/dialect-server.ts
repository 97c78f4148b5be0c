import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { choiceOf, completionTokens, defaultReply, promptOf, tokenize, type CompletionBody } from './fake-replies';

type Json = Record<string, unknown>;

/** A request of a dialect's endpoint. */
export interface DialectRequest {
  /** `completions` or `chat/completions`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: CompletionBody & Json;
}

/** An answer that is no reply. */
export interface Refusal {
  readonly status: number;
  readonly body: unknown;
}

/** How one provider or server speaks the OpenAI API, as its reference says. */
export interface Dialect {
  /** Path of its base URL. */
  readonly base: string;
  /** Where its maker says so. */
  readonly reference: string;
  /** What it refuses, and with which words. */
  readonly refuses?: (request: DialectRequest) => Refusal | undefined;
  /** Whether it has raw completions, and whether it puts them into a template. */
  readonly raw: 'none' | 'wrapped' | 'raw';
  /** Whether it puts a BOS before raw prompts: never, unless the request forbids it, always. */
  readonly bos?: 'flag' | 'adds';
  /** It gives one choice, whatever `n` asks for. */
  readonly ignoresN?: boolean;
  readonly ignoresLogprobs?: boolean;
  /** The name of its field for the longest reply; `max_tokens` unless it says otherwise. */
  readonly maxTokensField?: string;
  /** What it calls the end of a whole text; `stop` unless it says otherwise. */
  readonly end?: string;
  /** Changes a reply into its own form. */
  readonly shape?: (reply: Json) => Json;
}

/** A local server that speaks one dialect, and keeps what it was asked. */
export class DialectServer {
  readonly requests: DialectRequest[] = [];
  private readonly server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://x');
    void text(incoming).then((raw) => {
      const path = url.pathname.startsWith(`${this.dialect.base}/`) ? url.pathname.slice(this.dialect.base.length + 1) : url.pathname;
      if (path === 'models') return send(response, 200, { object: 'list', data: [{ id: 'model', object: 'model' }] });
      const body = JSON.parse(raw) as DialectRequest['body'];
      return this.answer({ path, query: url.searchParams, headers: incoming.headers, body }, response);
    });
  });

  private constructor(private readonly dialect: Dialect) {}

  static async start(dialect: Dialect): Promise<DialectServer> {
    const server = new DialectServer(dialect);
    await new Promise<void>((resolve) => server.server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get baseURL(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${this.dialect.base}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private answer(request: DialectRequest, response: ServerResponse): void {
    this.requests.push(request);
    const { path, body } = request;
    const { raw, refuses } = this.dialect;
    const refusal = refuses?.(request);
    if (refusal !== undefined) return send(response, refusal.status, refusal.body);
    if (path !== 'chat/completions' && (path !== 'completions' || raw === 'none')) {
      return send(response, 404, {
        error: { message: `Invalid URL (POST /${path})`, type: 'invalid_request_error', param: null, code: null },
      });
    }
    send(response, 200, this.reply(path, body));
  }

  private reply(path: string, body: DialectRequest['body']): Json {
    const { raw, bos, ignoresN = false, ignoresLogprobs = false, maxTokensField = 'max_tokens', end = 'stop', shape } = this.dialect;
    const asked = { ...body, max_tokens: body[maxTokensField] as number, ...(ignoresLogprobs ? { logprobs: null } : {}) };
    const isChat = path === 'chat/completions';
    const choices = Array.from({ length: ignoresN ? 1 : (body.n ?? 1) }, (_, sample) => {
      const choice = choiceOf(path, asked, sample, defaultReply(path, body, sample), 'legacy');
      return choice['finish_reason'] === 'stop' ? { ...choice, finish_reason: end } : choice;
    });
    const wrapped = isChat || raw === 'wrapped' ? 9 : 0;
    const added = isChat || bos === undefined || (bos === 'flag' && body['add_special_tokens'] === false) ? 0 : 1;
    const prompt = tokenize(promptOf(body)).filter((token) => token.trim() !== '').length + wrapped + added;
    const completion = choices.reduce((sum, choice) => sum + completionTokens(choice), 0);
    const reply = {
      id: 'reply',
      object: isChat ? 'chat.completion' : 'text_completion',
      model: body.model,
      choices,
      usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
    };
    return shape === undefined ? reply : shape(reply);
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
