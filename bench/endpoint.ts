import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { createRandom } from '../method/random';
import { CallCounts } from './call-counts';
import { DIALECT_PATHS } from './dialect-paths';
import { answerText, instructionText, judgeText, type AnswerLength, type FakeText } from './endpoint-texts';
import { FaultMix } from './fault-mix';

/** What the endpoint has counted since its start or its last reset. */
export interface EndpointStats {
  /** Completion requests that arrived. */
  readonly requests: number;
  readonly answered: number;
  /** Requests whose connection was closed before the reply was sent. */
  readonly abandoned: number;
  /** Different requests: path and body. */
  readonly distinct: number;
  /** Requests that had arrived before, byte for byte: paid again. */
  readonly repeated: number;
  /** Arrived and neither answered nor abandoned. */
  readonly inFlight: number;
  readonly peakInFlight: number;
  readonly completions: number;
  readonly chatCompletions: number;
  /** Of all requests that arrived. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Requests to `/v1`, those that came to a fault included. */
  readonly plain: number;
  /** Requests that came to a fault instead of a reply; they are counted nowhere else. */
  readonly upset: number;
  /** The same by the kind of the fault. */
  readonly faults: Readonly<Record<string, number>>;
  /** Requests that a dialect refused for a field; they are counted nowhere else. */
  readonly refused: number;
  /** Milliseconds since the epoch; 0 before the first. */
  readonly firstRequestAt: number;
  readonly lastReplyAt: number;
  readonly rssBytes: number;
}

export interface EndpointOptions {
  readonly port?: number;
  /** Time before each reply. */
  readonly latencyMs?: number;
  readonly answerLength?: AnswerLength;
  /** So many of a hundred requests to `/v1` come to a fault; 0 by default. */
  readonly faultPercent?: number;
}

export interface BenchEndpoint {
  /** Base URL, with `/v1`. */
  readonly baseURL: string;
  stats(): EndpointStats;
  reset(): void;
  close(): Promise<void>;
}

/** The API itself, and the paths of dialects. */
const COMPLETIONS = new RegExp(`^(/(${Object.keys(DIALECT_PATHS).join('|')}))?/v1/(chat/)?completions$`);
/** Which requests come to faults depends on their order of arrival anyway. */
const FAULT_SEED = 1;
const TOKENS_PER_WORD = 1.33;
const BYTES_PER_TOKEN = 4;
/** Nothing else asks for a rating in these words (Table 2), as they stand in JSON. */
const JUDGE_MARK = 'write \\"Score: <rating>\\" in the last line';

/**
 * Starts an OpenAI-compatible endpoint that costs little CPU: `/v1/completions` writes instructions, `/v1/chat/completions`
 * writes answers, or a judge's verdict where the prompt asks for one; `n` samples, usage, finish_reason. What is said
 * depends on the request's bytes alone, in every process. `GET /stats`, `POST /reset`; between `POST /hold` and
 * `POST /release` requests arrive but are not answered. `/mistral/v1` and `/claude/v1` speak as those providers do.
 */
export async function startEndpoint({
  port = 0,
  latencyMs = 0,
  answerLength = { minWords: 30, maxWords: 150 },
  faultPercent = 0,
}: EndpointOptions = {}): Promise<BenchEndpoint> {
  let counts = new CallCounts();
  let totals = noTotals();
  /** Replies that wait, while they are held. */
  let held: (() => void)[] | undefined;
  const mix = new FaultMix(faultPercent, FAULT_SEED);

  function receive(request: IncomingMessage, response: ServerResponse, raw: string): void {
    const path = request.url ?? '';
    const digest = createHash('md5').update(path).update(raw).digest();
    const dialect = DIALECT_PATHS[path.split('/')[1] ?? ''];
    const refusal = dialect?.refuses(JSON.parse(raw) as Record<string, unknown>);
    if (refusal !== undefined) {
      totals.refused++;
      return send(response, refusal.status, refusal.body);
    }
    if (dialect === undefined) totals.plain++;
    const fault = dialect === undefined ? mix.draw() : undefined;
    if (fault !== undefined) {
      totals.upset++;
      return void setTimeout(() => fault(response, replyTo(path, raw, digest).text), latencyMs);
    }
    counts.add(digest.readUInt32LE(0), digest.readUInt32LE(4));
    totals.requests++;
    totals.inFlight++;
    totals.peakInFlight = Math.max(totals.peakInFlight, totals.inFlight);
    totals.firstRequestAt ||= Date.now();
    const current = totals;
    // Made, and its tokens counted, whether or not anybody is there to read it: a provider bills what it has worked on.
    const plain = replyTo(path, raw, digest);
    totals.promptTokens += plain.prompt;
    totals.completionTokens += plain.completion;
    if (path.endsWith('/chat/completions')) totals.chatCompletions++;
    else totals.completions++;
    const reply = dialect === undefined ? plain.text : dialect.shape(plain.text);
    const answer = (): void => {
      if (held !== undefined) {
        held.push(answer);
        return;
      }
      if (response.destroyed) return;
      current.answered++;
      current.lastReplyAt = Date.now();
      send(response, 200, reply);
    };
    response.once('close', () => {
      current.inFlight--;
      if (!response.writableEnded) current.abandoned++;
    });
    if (latencyMs > 0) setTimeout(answer, latencyMs);
    else answer();
  }

  function replyTo(
    path: string,
    raw: string,
    digest: Buffer,
  ): { readonly text: string; readonly prompt: number; readonly completion: number } {
    const { model = '', n = 1 } = JSON.parse(raw) as { readonly model?: string; readonly n?: number };
    const chat = path.endsWith('/chat/completions');
    const judge = chat && raw.includes(JUDGE_MARK);
    // 48 bits of the digest, since a seed is a safe integer.
    const random = createRandom(digest.readUIntLE(8, 6));
    let words = 0;
    const choices = Array.from({ length: n }, (_, index) => {
      const text: FakeText = judge ? judgeText(random) : chat ? answerText(random, answerLength) : instructionText(random);
      words += text.words;
      const said = chat ? `"message":{"role":"assistant","content":"${text.json}"}` : `"text":"${text.json}"`;
      return `{"index":${index},${said},"finish_reason":"stop","logprobs":null}`;
    });
    const prompt = Math.ceil(raw.length / BYTES_PER_TOKEN);
    const completion = Math.ceil(words * TOKENS_PER_WORD);
    const usage = `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion}}`;
    const kind = chat ? 'chat.completion' : 'text_completion';
    const head = `{"id":"cmpl-${digest.toString('hex', 0, 8)}","object":"${kind}","created":1767225600,"model":${JSON.stringify(model)}`;
    return { text: `${head},"choices":[${choices.join(',')}],"usage":${usage}}`, prompt, completion };
  }

  const stats = (): EndpointStats => ({
    ...totals,
    distinct: counts.distinct,
    repeated: counts.repeated,
    faults: { ...mix.counts },
    rssBytes: process.memoryUsage.rss(),
  });
  const reset = (): void => {
    counts = new CallCounts();
    totals = noTotals();
  };

  const release = (): void => {
    const waiting = held ?? [];
    held = undefined;
    for (const answer of waiting) answer();
  };

  const server = createServer((request, response) => {
    const { method, url } = request;
    if (method === 'POST' && COMPLETIONS.test(url ?? '')) {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => receive(request, response, (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8')));
    } else if (method === 'GET' && url === '/v1/models') {
      send(response, 200, '{"object":"list","data":[{"id":"bench-model","object":"model"}]}');
    } else if (method === 'GET' && url === '/stats') {
      send(response, 200, JSON.stringify(stats()));
    } else if (method === 'POST' && (url === '/reset' || url === '/hold' || url === '/release')) {
      if (url === '/reset') reset();
      else if (url === '/hold') held ??= [];
      else release();
      send(response, 200, '{}');
    } else {
      send(response, 404, JSON.stringify({ error: { message: `no route for ${method} ${url}`, type: 'not_found', code: null } }));
    }
  });
  // Clients keep their connections for the whole run; a killed client's are closed by the kernel.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.on('connection', (socket) => socket.setNoDelay(true));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', 4096, resolve));

  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    stats,
    reset,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

type Totals = { -readonly [Name in Exclude<keyof EndpointStats, 'distinct' | 'repeated' | 'faults' | 'rssBytes'>]: number };

function noTotals(): Totals {
  return {
    requests: 0,
    answered: 0,
    abandoned: 0,
    plain: 0,
    upset: 0,
    refused: 0,
    inFlight: 0,
    peakInFlight: 0,
    completions: 0,
    chatCompletions: 0,
    promptTokens: 0,
    completionTokens: 0,
    firstRequestAt: 0,
    lastReplyAt: 0,
  };
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

const USAGE = `usage: node dist/bench/endpoint.js [--port 0] [--latency-ms 0] [--answer-words 30-150] [--fault-percent 0]
prints the base URL as its first line; ends with SIGTERM`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      'latency-ms': { type: 'string', default: '0' },
      'answer-words': { type: 'string', default: '30-150' },
      'fault-percent': { type: 'string', default: '0' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const [minWords = 30, maxWords = minWords] = values['answer-words'].split('-').map(Number);
  const numbers = [Number(values.port), Number(values['latency-ms']), minWords, maxWords, Number(values['fault-percent'])];
  if (!numbers.every((value) => Number.isFinite(value) && value >= 0)) throw new Error(USAGE);
  const endpoint = await startEndpoint({
    port: numbers[0]!,
    latencyMs: numbers[1]!,
    answerLength: { minWords, maxWords },
    faultPercent: numbers[4]!,
  });
  console.log(endpoint.baseURL);
  const stop = (): void => void endpoint.close().then(() => process.exit(0));
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error((error as Error).message);
    process.exitCode = 1;
  });
}
