import { join } from 'node:path';
import fc from 'fast-check';
import type { Cost } from '../../../method/cost';
import { BudgetExhaustedError } from '../../../services/batches/allowance-gate';
import { runBatch } from '../../../services/batches/batch';
import { BatchBudget, type BatchBudgetOptions } from '../../../services/batches/batch-budget';
import type { BatchItem, Exchange } from '../../../services/batches/batch-item';
import { boundOf } from '../../../services/batches/billing';
import { createModelClient, type ModelClient, type ModelRequest } from '../../../services/endpoints/model-client';
import { Journal } from '../../../services/journal/journal';
import { JournalSupersededError } from '../../../services/journal/journal-turn';
import { EndpointLimiter } from '../../../services/limits/limiter';
import { FakeEndpoint, type ReceivedRequest } from '../../support/fake-endpoint';
import { defaultReply, promptOf, tokenize } from '../../support/fake-replies';
import { modelSpec } from '../../support/model-spec';
import { useTempFolder } from '../../support/temp-folder';

interface Row {
  readonly id: string;
}

const temp = useTempFolder();
const PRICE = { inputUsdPerMillion: 1000, outputUsdPerMillion: 3000 };
let endpoint: FakeEndpoint | undefined;
const opened: Journal[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(async (journal) => await journal.close())); // of attempts that were killed
  await endpoint?.close();
  endpoint = undefined;
});

/** An item that wants `calls` replies, one after the other, of up to 40 tokens in two samples. */
function item(id: string, calls = 2): BatchItem<Row> {
  return {
    id,
    next(exchanges: readonly Exchange[]) {
      if (exchanges.length === calls) return { do: 'done', rows: [{ id }], failures: [] };
      return { do: 'call', request: request(`Say something of ${id}.`, exchanges.length) };
    },
  };
}

function request(prompt: string, seed = 0): ModelRequest {
  return { path: 'completions', body: { prompt, seed, n: 2, max_tokens: 20 }, tokenEstimate: 60 };
}

function items(count: number): BatchItem<Row>[] {
  return Array.from({ length: count }, (_, index) => item(`item${String(index).padStart(3, '0')}`));
}

interface Attempt {
  readonly rows: number;
  readonly cost: Cost;
  readonly counted: Cost;
  readonly needs?: Cost;
}

/** One attempt, as an activity makes it: opens the journal, runs to the end or till the allowance is used up, closes. */
async function attempt(
  client: ModelClient,
  {
    count = 12,
    folder = 'journal',
    concurrency = 4,
    stop = new AbortController().signal,
    onRequests = () => undefined,
    ...budget
  }: Partial<BatchBudgetOptions> & {
    readonly count?: number;
    readonly folder?: string;
    readonly concurrency?: number;
    readonly stop?: AbortSignal;
    readonly onRequests?: (requests: number) => void;
  },
): Promise<Attempt> {
  const journal = await Journal.open(join(temp(), folder));
  opened.push(journal);
  const account = new BatchBudget({ journal, price: PRICE, ...budget });
  const end = (rows: number, needs?: Cost): Attempt => {
    const { promptTokens, completionTokens } = account.counted;
    return {
      rows,
      cost: account.cost,
      counted: { usd: (promptTokens * 1000 + completionTokens * 3000) / 1e6, tokens: promptTokens + completionTokens },
      ...(needs === undefined ? {} : { needs }),
    };
  };
  try {
    const { rows } = await runBatch<Row>({
      items: items(count),
      client,
      identity: 'e',
      journal,
      budget: account,
      concurrency,
      stop,
      onProgress: (read) => onRequests(read().requests),
    });
    return end(rows.length);
  } catch (error) {
    if (error instanceof BudgetExhaustedError) return end(0, error.needs);
    throw error;
  } finally {
    await journal.close();
  }
}

function httpClient(target: FakeEndpoint, timeoutMs = 30_000): ModelClient {
  return createModelClient({
    name: 'm',
    spec: modelSpec({ baseURL: target.baseURL, limits: { timeoutMs } }),
    limiter: new EndpointLimiter({ concurrency: 64 }),
    env: {},
    random: () => 0,
  });
}

/** What an endpoint bills for a request that it works on, whether or not the reply arrives. */
function billed({ path, body }: ReceivedRequest): Cost {
  const prompt = tokenize(promptOf(body)).length;
  const samples = Array.from(
    { length: body.n ?? 1 },
    (_, sample) => tokenize(defaultReply(path, body, sample).text).slice(0, body.max_tokens).length,
  );
  const completion = samples.reduce((sum, tokens) => sum + tokens, 0);
  return { usd: (prompt * 1000 + completion * 3000) / 1e6, tokens: prompt + completion };
}

function sum(costs: readonly Cost[]): Cost {
  return costs.reduce((total, { usd, tokens }) => ({ usd: total.usd + usd, tokens: total.tokens + tokens }), { usd: 0, tokens: 0 });
}

describe('a batch with an allowance', () => {
  test('that is large enough ends as one without, and has cost what the endpoint billed', async () => {
    endpoint = await FakeEndpoint.start();
    const ended = await attempt(httpClient(endpoint), { allowance: { tokens: 100_000, usd: 1000 } });
    const { usd, tokens } = sum(endpoint.requests.map(billed));
    expect(ended).toMatchObject({ rows: 12 });
    expect(ended.cost.tokens).toBe(tokens);
    expect(ended.cost.usd).toBeCloseTo(usd, 9);
  });

  test.each([0, 50, 400, 900, 1500, 2100, 3000])('of %d tokens is never billed more, and says what it needs to go on', async (tokens) => {
    endpoint = await FakeEndpoint.start();
    const ended = await attempt(httpClient(endpoint), { allowance: { tokens } });
    const bill = sum(endpoint.requests.map(billed));
    expect(bill.tokens).toBeLessThanOrEqual(tokens);
    expect(ended.cost.tokens).toBe(bill.tokens);
    expect(ended.rows).toBe(ended.needs === undefined ? 12 : 0);
  });

  test('in dollars alone is held to the dollars', async () => {
    endpoint = await FakeEndpoint.start();
    const ended = await attempt(httpClient(endpoint), { allowance: { usd: 0.9 } });
    expect(ended.needs).toMatchObject({ tokens: 0 });
    expect(ended.needs!.usd).toBeGreaterThan(0);
    expect(sum(endpoint.requests.map(billed)).usd).toBeLessThanOrEqual(0.9);
  });

  test('goes on with no more than what it said it needs, a call at a time, to the same end', async () => {
    endpoint = await FakeEndpoint.start();
    const client = httpClient(endpoint);
    const allowance = { tokens: 0, usd: 0 };
    let ended = await attempt(client, { allowance, count: 3 });
    for (let round = 0; ended.needs !== undefined && round < 50; round++) {
      allowance.tokens += ended.needs.tokens;
      allowance.usd += ended.needs.usd;
      ended = await attempt(client, { allowance, count: 3 });
    }
    expect(ended.rows).toBe(3);
    expect(endpoint.requests).toHaveLength(6);
    expect(endpoint.paidTwice()).toEqual([]);
  });

  test('waits for calls in flight to give back what they did not use, rather than to end', async () => {
    endpoint = await FakeEndpoint.start();
    // Room for one call at its worst beside what all have cost: four lanes can only take turns.
    const bound = boundOf(request('Say something of item000.'));
    const worst = bound.promptTokens + bound.completionTokens;
    const client = httpClient(endpoint);
    const free = await attempt(client, { folder: 'free' });
    const ended = await attempt(client, { allowance: { tokens: free.cost.tokens + worst } });
    expect(ended.rows).toBe(12);
  });

  test('with everything in the journal needs nothing, however small its allowance is', async () => {
    endpoint = await FakeEndpoint.start();
    const client = httpClient(endpoint);
    const first = await attempt(client, {});
    const again = await attempt(client, { allowance: { tokens: 1 } });
    expect(again).toEqual(first);
    expect(endpoint.requests).toHaveLength(24);
  });

  test('counts calls of the journal before it makes the first of its own', async () => {
    endpoint = await FakeEndpoint.start();
    const client = httpClient(endpoint);
    const half = await attempt(client, { count: 6 });
    const ended = await attempt(client, { allowance: { tokens: half.cost.tokens } });
    expect(ended.needs).toBeDefined();
    expect(endpoint.requests).toHaveLength(12);
  });

  test('gives up its reservations when it is stopped', async () => {
    endpoint = await FakeEndpoint.start();
    const client = httpClient(endpoint);
    const controller = new AbortController();
    const reason = new Error('draining');
    const stopped = attempt(client, {
      allowance: { tokens: 100_000 },
      stop: controller.signal,
      onRequests: (requests) => requests >= 9 && controller.abort(reason),
    });
    await expect(stopped).rejects.toBe(reason);
    const ended = await attempt(client, { allowance: { tokens: 100_000 } });
    expect(ended.cost.tokens).toBe(sum(endpoint.requests.map(billed)).tokens);
  });
});

describe('what counts', () => {
  const bound = boundOf(request('Say something of item000.', 0));
  const worst = bound.promptTokens + bound.completionTokens;

  test('a reply without usage counts at its worst case, now and after the journal was opened again', async () => {
    endpoint = await FakeEndpoint.start();
    endpoint.inject({ kind: 'body', body: JSON.stringify({ choices: [{ index: 0, text: 'a', finish_reason: 'stop' }] }) }, { times: 2 });
    const client = httpClient(endpoint);
    expect((await attempt(client, { count: 1 })).cost.tokens).toBe(2 * worst);
    expect((await attempt(client, { count: 1 })).cost.tokens).toBe(2 * worst);
  });

  test.each([
    ['429', 'nothing', { kind: 'status', status: 429, headers: { 'retry-after-ms': '1' } }, 0],
    ['500', 'nothing', { kind: 'status', status: 500 }, 0],
    ["a gateway's timeout", 'its worst case', { kind: 'status', status: 504 }, worst],
    ['a connection that breaks', 'its worst case', { kind: 'reset' }, worst],
    ['a body that is cut', 'its worst case', { kind: 'cut-body' }, worst],
    ['a body that is no JSON', 'its worst case', { kind: 'truncated-json' }, worst],
  ] as const)('%s that is retried counts as %s', async (_name, _what, fault, counts) => {
    endpoint = await FakeEndpoint.start();
    endpoint.inject(fault, { times: 1 });
    const client = httpClient(endpoint);
    const ended = await attempt(client, { count: 1, allowance: { tokens: 100_000 } });
    const answered = sum(endpoint.requests.filter(({ answered: whole }) => whole).map(billed)).tokens;
    expect(endpoint.requests).toHaveLength(3);
    expect(ended.cost.tokens).toBe(answered + counts);
    expect((await attempt(client, { count: 1, allowance: { tokens: 100_000 } })).cost.tokens).toBe(answered + counts);
  });

  test('a refused prompt counts the prompt at its worst case', async () => {
    endpoint = await FakeEndpoint.start();
    endpoint.inject({ kind: 'status', status: 400, code: 'content_filter' }, { times: 1, when: ({ body }) => body.seed === 0 });
    const ended = await attempt(httpClient(endpoint), { count: 1, allowance: { tokens: 100_000 } });
    expect(ended.cost.tokens).toBe(bound.promptTokens + billed(endpoint.requests[1]!).tokens);
  });

  test('more than was thought possible counts as reported, and is told once', async () => {
    endpoint = await FakeEndpoint.start();
    const lie = {
      choices: [{ index: 0, text: 'a', finish_reason: 'stop' }],
      usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 9_000 },
    };
    endpoint.inject({ kind: 'body', body: JSON.stringify(lie) }, { times: 2 });
    const told: unknown[] = [];
    const ended = await attempt(httpClient(endpoint), {
      count: 1,
      allowance: { tokens: 1_000_000 },
      onOverrun: (overrun) => told.push(overrun),
    });
    expect(ended.cost.tokens).toBe(18_000); // tokens that only the total has are reasoning, and billed
    expect(told).toEqual([{ item: 'item000', reported: { promptTokens: 5, completionTokens: 8_995 }, bound }]);
  });

  test('an endpoint that refuses the key has been paid nothing', async () => {
    endpoint = await FakeEndpoint.start();
    endpoint.inject({ kind: 'status', status: 401 }, { times: 4 });
    const client = httpClient(endpoint);
    await expect(attempt(client, { allowance: { tokens: 100_000 } })).rejects.toThrow('HTTP 401');
    endpoint.clearFaults();
    const before = endpoint.requests.length;
    const ended = await attempt(client, { allowance: { tokens: 100_000 } });
    expect(ended.rows).toBe(12);
    expect(ended.cost.tokens).toBe(sum(endpoint.requests.slice(before).map(billed)).tokens);
  });

  test('without an allowance the journal holds no reservations', async () => {
    endpoint = await FakeEndpoint.start();
    endpoint.inject({ kind: 'reset' }, { times: 1 });
    await attempt(httpClient(endpoint), { count: 2 });
    const journal = await Journal.open(join(temp(), 'journal'));
    await journal.close();
    expect(journal.unsettled).toEqual([]);
  });
});

/** A provider in this process, which bills what it is sent, and of whose replies nothing arrives any more once we are killed. */
class Provider implements ModelClient {
  readonly endpoint = 'model "m"';
  billedTokens = 0;
  private left: number;
  private dead = false;

  constructor(private readonly random: () => number) {
    this.left = Number.POSITIVE_INFINITY;
  }

  /** From now on `replies` more arrive; then we are dead: nothing is sent, and nothing arrives. */
  kill(replies: number): Promise<void> {
    this.left = replies;
    this.dead = false;
    return new Promise((resolve) => (this.onDeath = resolve));
  }

  private onDeath: () => void = () => undefined;

  async call(wanted: ModelRequest, { beforeSend, onTransient }: Parameters<ModelClient['call']>[1]): ReturnType<ModelClient['call']> {
    for (;;) {
      await beforeSend?.();
      await this.alive();
      const tokens = tokenize(String(wanted.body['prompt'])).length;
      const completion = Math.floor(this.random() * 41);
      const luck = this.random();
      if (luck < 0.1) {
        await onTransient?.({ scope: 'transient', kind: 'rate_limited', status: 429, overloaded: true, message: '' });
        continue;
      }
      this.billedTokens += tokens + completion;
      await new Promise(setImmediate);
      await this.alive();
      if (luck < 0.2) {
        await onTransient?.({ scope: 'transient', kind: 'timeout', overloaded: true, message: '' });
        continue;
      }
      if (--this.left < 0) {
        this.dead = true;
        this.onDeath();
        await this.alive();
      }
      const reply = { choices: [{ index: 0, text: 'a' }], usage: { prompt_tokens: tokens, completion_tokens: completion } };
      return { reply, text: JSON.stringify(reply), ms: 1 };
    }
  }

  private async alive(): Promise<void> {
    if (this.dead) await new Promise<never>(() => undefined);
  }
}

test('however small the allowance, however often it is raised, whatever fails and whenever the process is killed: no more is billed', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ further: fc.nat({ max: 2500 }), kill: fc.option(fc.nat({ max: 10 })), concurrency: fc.integer({ min: 1, max: 8 }) }),
        { minLength: 1, maxLength: 5 },
      ),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
      async (attempts, stream) => {
        const folder = `journal-${run++}`;
        const provider = new Provider(() => stream.next().value as number);
        let tokens = 0;
        for (const { further, kill, concurrency } of attempts) {
          tokens += further;
          const died = provider.kill(kill ?? Number.POSITIVE_INFINITY).then(() => undefined);
          const ended = await Promise.race([attempt(provider, { folder, allowance: { tokens }, concurrency }), died]);
          expect(provider.billedTokens).toBeLessThanOrEqual(tokens);
          expect(ended?.cost.tokens ?? tokens).toBeGreaterThanOrEqual(provider.billedTokens);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('of two attempts at once only the later one begins calls, and it counts what the earlier one has begun', async () => {
  endpoint = await FakeEndpoint.start();
  const client = httpClient(endpoint);
  const allowance = { tokens: 1_500 };
  endpoint.hold();
  const earlier = attempt(client, { allowance, concurrency: 2 }).catch((error: unknown) => error);
  await endpoint.received(2);
  const later = attempt(client, { allowance, concurrency: 2 });
  await endpoint.received(3);
  endpoint.release();
  expect(await earlier).toBeInstanceOf(JournalSupersededError);
  await later;
  expect(sum(endpoint.requests.map(billed)).tokens).toBeLessThanOrEqual(allowance.tokens);
});
