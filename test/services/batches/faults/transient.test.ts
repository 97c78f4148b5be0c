import { EventEmitter, once } from 'node:events';
import type { Instruction } from '../../../../method/records';
import { createModelClient } from '../../../../services/endpoints/model-client';
import type { ModelFailure } from '../../../../services/endpoints/model-errors';
import { EndpointLimiter } from '../../../../services/limits/limiter';
import { FakeEndpoint, type Fault } from '../../../support/fake-endpoint';
import { modelSpec } from '../../../support/model-spec';
import { COUNT, runExtraction } from './run-extraction';

let endpoint: FakeEndpoint;
beforeEach(async () => {
  endpoint = await FakeEndpoint.start();
});
afterEach(async () => await endpoint.close());

const SOON = { 'retry-after-ms': '1' };
const status = (code: number, extra: Partial<Extract<Fault, { kind: 'status' }>> = {}): Fault => ({
  kind: 'status',
  status: code,
  headers: SOON,
  ...extra,
});

/** Of requests that nothing answers; the others have all the time that a busy machine may take. */
const SHORT = { timeoutMs: 2_000 };

/** What comes, and as what it is counted. */
const faults: readonly (readonly [name: string, fault: Fault, kind: string])[] = [
  ['429', status(429), 'rate_limited'],
  ['429 without advice', status(429, { headers: {} }), 'rate_limited'],
  ['429 with advice that is garbage', status(429, { headers: { 'retry-after': 'soon' } }), 'rate_limited'],
  ['408', status(408), 'timeout'],
  ['500', status(500), 'server_error'],
  [
    "500 with a proxy's page",
    status(500, { body: '<html><title>Oops</title></html>', headers: { ...SOON, 'content-type': 'text/html' } }),
    'server_error',
  ],
  ['502', status(502), 'server_error'],
  ['503', status(503), 'overloaded'],
  ['504', status(504), 'server_error'],
  ['529', status(529), 'overloaded'],
  ['a reset before the headers', { kind: 'reset' }, 'connection'],
  ['a reset within the headers', { kind: 'cut-headers' }, 'connection'],
  ['a reset within the body', { kind: 'cut-body' }, 'connection'],
  ['bytes that are no HTTP', { kind: 'no-http' }, 'connection'],
  ['no headers in time', { kind: 'hang' }, 'timeout'],
  ['a body that stops coming', { kind: 'slow-body' }, 'timeout'],
  ['a body that drips', { kind: 'dripping-body' }, 'timeout'],
  ['truncated JSON', { kind: 'truncated-json' }, 'bad_body'],
  ['200 with a page', { kind: 'body', body: '<html>Sign in</html>', contentType: 'text/html' }, 'bad_body'],
  ['200 with nothing', { kind: 'body', body: '' }, 'bad_body'],
  ['200 with an error', { kind: 'body', body: '{"error":{"message":"upstream is busy"}}' }, 'bad_body'],
  ['200 with a rate limit as its error', { kind: 'body', body: '{"error":{"code":429,"message":"slow down"}}' }, 'rate_limited'],
  ['choices: null', { kind: 'body', body: '{"choices":null,"usage":{"prompt_tokens":1,"completion_tokens":0}}' }, 'bad_body'],
];

describe('a batch retries', () => {
  let healthy: readonly Instruction[];
  beforeEach(async () => {
    const other = await FakeEndpoint.start();
    healthy = (await runExtraction({ baseURL: other.baseURL })).rows;
    await other.close();
  });

  test.each(faults)('%s, without a try of a good item and without paying twice', async (_, fault, kind) => {
    endpoint.inject(fault, { times: 2, when: ({ number }) => number % 3 === 2 });
    const limits = kind === 'timeout' && fault.kind !== 'status' ? SHORT : {};
    const { rows, failures, stats } = await runExtraction({ baseURL: endpoint.baseURL, limits });
    expect(rows).toEqual(healthy); // the same seeds, so no item was asked for another reply
    expect(rows.map(({ attempts }) => attempts)).toEqual(Array(COUNT).fill(1));
    expect(failures).toEqual([]);
    expect(stats.transient).toEqual({ [kind]: 2 });
    expect(endpoint.requests).toHaveLength(COUNT + 2);
    expect(endpoint.requests.filter(({ answered }) => answered)).toHaveLength(COUNT);
    expect(endpoint.paidTwice()).toEqual([]);
  });

  test('a server that is not there yet', async () => {
    const { baseURL } = endpoint;
    await endpoint.close();
    const client = createModelClient({
      name: 'target',
      spec: modelSpec({ baseURL }),
      limiter: new EndpointLimiter({ concurrency: 1 }),
      env: {},
      random: () => 0,
    });
    const faults = new EventEmitter();
    const call = client.call(
      { path: 'completions', body: { prompt: 'x' }, tokenEstimate: 1 },
      { signal: new AbortController().signal, onTransient: (failure) => faults.emit('fault', failure) },
    );
    const [fault] = (await once(faults, 'fault')) as [ModelFailure];
    expect(fault).toMatchObject({ kind: 'connection', message: expect.stringContaining('ECONNREFUSED') });
    endpoint = await FakeEndpoint.start({}, Number(new URL(baseURL).port));
    expect(await call).toHaveProperty('reply');
  });

  test('replies without usage, which count as no tokens', async () => {
    const bare = await FakeEndpoint.start({ withoutUsage: true });
    try {
      const { rows, stats } = await runExtraction({ baseURL: bare.baseURL });
      expect(rows.map(({ text, usage }) => [text, usage])).toEqual(healthy.map(({ text }) => [text, null]));
      expect(stats).toMatchObject({ promptTokens: 0, completionTokens: 0, requests: COUNT });
    } finally {
      await bare.close();
    }
  });

  test('a request that hangs, which keeps one permit and no more', async () => {
    endpoint.inject({ kind: 'hang' }, { when: ({ number }) => number === 1 });
    const running = runExtraction({ baseURL: endpoint.baseURL, concurrency: 2, limits: { timeoutMs: 60_000 } });
    await endpoint.received(COUNT); // the other permit serves all the others
    endpoint.dropConnections();
    expect((await running).rows).toEqual(healthy);
  });
});

describe('a wait that the endpoint asks for is kept, over the wire', () => {
  const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toUTCString();
  const between =
    (least: number, most: number): ((waitMs: number | undefined) => boolean) =>
    (waitMs) =>
      waitMs !== undefined && waitMs >= least && waitMs <= most;
  const none = (waitMs: number | undefined): boolean => waitMs === undefined;

  test.each<[name: string, headers: () => Record<string, string>, (waitMs: number | undefined) => boolean]>([
    ['seconds', () => ({ 'Retry-After': '7' }), between(7_000, 7_000)],
    ['decimals', () => ({ 'Retry-After': '1.5' }), between(1_500, 1_500)],
    ['a date', () => ({ 'Retry-After': inSeconds(30) }), between(20_000, 30_000)],
    ['a date in the past', () => ({ 'Retry-After': inSeconds(-30) }), none],
    ['zero', () => ({ 'Retry-After': '0' }), none],
    ['garbage', () => ({ 'Retry-After': 'in a while' }), none],
    ['nothing', () => ({}), none],
    ['milliseconds', () => ({ 'retry-after-ms': '250' }), between(250, 250)],
    ['milliseconds before seconds', () => ({ 'retry-after-ms': '250', 'Retry-After': '1' }), between(250, 250)],
    ['more than ten minutes', () => ({ 'Retry-After': '86400' }), between(600_000, 600_000)],
    [
      "OpenAI's reset of tokens",
      () => ({ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1m30s' }),
      between(90_000, 90_000),
    ],
    ["OpenAI's reset of requests", () => ({ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6ms' }), between(6, 6)],
    ['a reset of what is not used up', () => ({ 'x-ratelimit-remaining-tokens': '100', 'x-ratelimit-reset-tokens': '1m30s' }), none],
  ])('%s', async (_, headers, expected) => {
    endpoint.inject({ kind: 'status', status: 429, headers: headers() });
    const stopped = new AbortController();
    const told: ModelFailure[] = [];
    const client = createModelClient({
      name: 'target',
      spec: modelSpec({ baseURL: endpoint.baseURL }),
      limiter: new EndpointLimiter({ concurrency: 1 }),
      env: {},
    });
    const call = client.call(
      { path: 'completions', body: { prompt: 'x' }, tokenEstimate: 1 },
      {
        signal: stopped.signal,
        onTransient: (failure) => {
          told.push(failure);
          setImmediate(() => stopped.abort(new Error('seen')));
        },
      },
    );
    await expect(call).rejects.toThrow('seen');
    expect(told).toHaveLength(1);
    expect(expected(told[0]?.waitMs)).toBe(true);
  });
});
