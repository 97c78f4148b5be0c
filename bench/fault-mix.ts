import type { ServerResponse } from 'node:http';
import { createRandom, type Random } from '../method/random';

/** Ends a response in a way that is no reply. @param good the body that a healthy endpoint would have sent */
type Fault = (response: ServerResponse, good: string) => void;

const SOON = { 'retry-after-ms': '20' };

/** What passing faults look like from outside: refusals, broken connections and bodies, and what gateways put in their place. */
const FAULTS: Readonly<Record<string, Fault>> = {
  'rate limit': (response) => end(response, 429, '{"error":{"message":"slow down","code":"rate_limit_exceeded"}}', SOON),
  'rate limit without a sensible time': (response) => end(response, 429, 'slow down', { 'retry-after': 'soon' }),
  'server error': (response) => end(response, 500, '{"error":"internal"}', SOON),
  "a gateway's page": (response) => end(response, 502, '<html><title>502 Bad Gateway</title></html>', { 'content-type': 'text/html' }),
  overloaded: (response) => end(response, 503, '{"detail":"no worker is free"}', { 'retry-after': '0.02' }),
  'overloaded, as Anthropic says it': (response) =>
    end(response, 529, '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', SOON),
  'a connection that is reset': (response) => void response.socket?.resetAndDestroy(),
  'headers that break off': (response) => void response.socket?.end('HTTP/1.1 200 OK\r\ncontent-ty'),
  'a body that breaks off': (response, good) => cut(response, good, () => response.destroy()),
  'a body that stands still': (response, good) => cut(response, good),
  'no answer': () => undefined,
  'JSON that ends too early': (response, good) => end(response, 200, good.slice(0, good.length / 2)),
  'a page with status 200': (response) => end(response, 200, '<html>One moment</html>', { 'content-type': 'text/html' }),
  'an error with status 200': (response) => end(response, 200, '{"error":{"code":503,"message":"upstream is busy"}}'),
};

/** Lets a share of requests fail, each in a way that a seed draws. */
export class FaultMix {
  private readonly random: Random;
  private readonly names = Object.keys(FAULTS);
  /** How often each came. */
  readonly counts: Record<string, number> = {};

  constructor(
    private readonly percent: number,
    seed: number,
  ) {
    this.random = createRandom(seed);
  }

  /** The fault of the next request; undefined where it is answered. */
  draw(): Fault | undefined {
    if (this.random.below(10_000) >= this.percent * 100) return undefined;
    const name = this.names[this.random.below(this.names.length)]!;
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    return FAULTS[name];
  }
}

function end(response: ServerResponse, status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

function cut(response: ServerResponse, good: string, then: () => void = () => undefined): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(good) });
  response.write(good.slice(0, good.length / 2), then);
}
