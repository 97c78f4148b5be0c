import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { APIConnectionError, APIConnectionTimeoutError } from 'openai/error';
import { Agent, type Dispatcher } from 'undici';
import { statusError } from './error-body';

export interface PostOptions {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path with its query. */
  readonly path: string;
  /** Names and values, alternating; made once for many calls. */
  readonly headers: readonly string[];
  /** JSON text, or its bytes. */
  readonly body: string | Buffer;
  /** For the whole call, from the connection to the last byte of the body. */
  readonly timeoutMs: number;
  /** The most bytes of a reply that are read. */
  readonly maxBytes: number;
}

/** Posts JSON to model endpoints. */
export interface EndpointTransport {
  /**
   * @returns the body of a reply with a status from 200 to 299, as text
   * @throws the OpenAI SDK's APIError for other statuses, APIConnectionTimeoutError, APIConnectionError, SyntaxError for a body above `maxBytes`
   */
  post(options: PostOptions): Promise<string>;
}

/**
 * An {@link EndpointTransport} on one pool of connections, which reads the reply from undici's dispatcher: WHATWG fetch takes
 * three times the CPU time. It throws the SDK's errors, so that they are classified as the SDK's.
 *
 * undici's own timeouts are off: they end a request whose headers take longer than five minutes, whatever the caller's timeout.
 * A reasoning model's reply may take longer, and would be billed and discarded each time. Redirects are not followed, so a key
 * is never sent to another host.
 */
export function createEndpointTransport(): EndpointTransport {
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  return {
    post: ({ origin, path, headers, body, timeoutMs, maxBytes }) =>
      new Promise((resolve, reject) => {
        agent.dispatch(
          { origin, path, method: 'POST', headers: headers as string[], body },
          new ReplyReader({ timeoutMs, maxBytes, resolve, reject }),
        );
      }),
  };
}

/** Nobody asks for a compressed body, but some gateways send one. */
const DECODERS: Readonly<Record<string, (body: Buffer, options: { readonly maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** Bytes of an error's body that are read. */
const MOST_ERROR_BYTES = 64 * 1024;

type ReplyHeaders = Record<string, string | string[] | undefined>;

interface ReplyReaderOptions {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
}

/** Collects one reply. A second rejection of its promise has no effect, so the abort's error may follow the timeout's. */
class ReplyReader implements Dispatcher.DispatchHandler {
  private readonly chunks: Buffer[] = [];
  private readonly timer: NodeJS.Timeout;
  private controller: Dispatcher.DispatchController | undefined;
  private timeout: Error | undefined;
  private size = 0;
  private status = 0;
  private headers: ReplyHeaders = {};

  constructor(private readonly options: ReplyReaderOptions) {
    this.timer = setTimeout(() => {
      this.timeout = new APIConnectionTimeoutError();
      this.options.reject(this.timeout);
      this.controller?.abort(this.timeout);
    }, options.timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.timeout !== undefined) controller.abort(this.timeout); // it timed out before it had a connection
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ReplyHeaders): void {
    this.status = status;
    this.headers = headers;
    const announced = Number(headers['content-length']);
    if (this.isGood && announced > this.options.maxBytes) this.endTooLong(controller, announced);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.size += chunk.length;
    if (this.size <= (this.isGood ? this.options.maxBytes : MOST_ERROR_BYTES)) this.chunks.push(chunk);
    else this.endTooLong(controller, this.size);
  }

  onResponseEnd(): void {
    clearTimeout(this.timer);
    if (!this.isGood) return this.rejectStatus();
    try {
      this.options.resolve(this.text());
    } catch (error) {
      this.options.reject(error as Error);
    }
  }

  private get isGood(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** @throws SyntaxError for a body that is not what its content-encoding says, or too long */
  private text(): string {
    const [only, ...more] = this.chunks;
    if (only === undefined) return '';
    const body = more.length === 0 ? only : Buffer.concat(this.chunks);
    const decode = DECODERS[String(this.headers['content-encoding'] ?? '').toLowerCase()];
    if (decode === undefined) return withoutMark(body.toString('utf8'));
    try {
      return withoutMark(decode(body, { maxOutputLength: this.isGood ? this.options.maxBytes : MOST_ERROR_BYTES }).toString('utf8'));
    } catch (cause) {
      throw new SyntaxError(`the reply is no whole ${String(this.headers['content-encoding'])}, or longer than what was asked for takes`, {
        cause,
      });
    }
  }

  private rejectStatus(): void {
    this.options.reject(statusError(this.status, this.errorBody(), headersOf(this.headers)));
  }

  /** Of an error its status is enough where its words cannot be read. */
  private errorBody(): unknown {
    try {
      return jsonOrText(this.text());
    } catch {
      return '';
    }
  }

  /** The rest is not waited for: a reply that is too long is no reply; of an error the status and its beginning are enough. */
  private endTooLong(controller: Dispatcher.DispatchController, size: number): void {
    clearTimeout(this.timer);
    const tooLong = new SyntaxError(`the reply has ${size} bytes or more, and what was asked for takes ${this.options.maxBytes} at most`);
    if (this.isGood) this.options.reject(tooLong);
    else this.rejectStatus();
    this.chunks.length = 0;
    controller.abort(tooLong);
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    clearTimeout(this.timer);
    this.options.reject(new APIConnectionError({ cause, message: undefined }));
  }
}

/** JSON may not begin with a byte order mark, but some gateways send one. */
function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function headersOf(headers: ReplyHeaders): Headers {
  return new Headers(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [value].flat().map((each) => [name, each]),
    ),
  );
}
