import { join } from 'node:path';
import type { BatchProgress } from '../../../method/cost';
import { AllRefusedError } from '../../../services/batches/all-refused';
import { runBatch, type BatchOptions } from '../../../services/batches/batch';
import type { BatchItem, Exchange } from '../../../services/batches/batch-item';
import { PermanentEndpointError } from '../../../services/endpoints/endpoint-errors';
import { EndpointHealth } from '../../../services/endpoints/endpoint-health';
import { createModelClient, type ModelClient } from '../../../services/endpoints/model-client';
import { Journal } from '../../../services/journal/journal';
import { EndpointLimiter } from '../../../services/limits/limiter';
import { FakeEndpoint, type FakeEndpointOptions } from '../../support/fake-endpoint';
import { modelSpec } from '../../support/model-spec';
import { useTempFolder } from '../../support/temp-folder';

interface Row {
  readonly id: string;
  readonly texts: readonly string[];
}

const temp = useTempFolder();
let endpoint: FakeEndpoint;
afterEach(async () => {
  await endpoint.close();
});

async function start(options: FakeEndpointOptions = {}): Promise<void> {
  endpoint = await FakeEndpoint.start({ itemOf: (_path, body) => body.prompt, ...options });
}

/** An item that wants `calls` replies, one after the other; a refusal ends it as a failure. */
function item(id: string, { calls = 1, wording = 'prompt' } = {}): BatchItem<Row> {
  return {
    id,
    next(exchanges: readonly Exchange[]) {
      const refused = exchanges.find(({ error }) => error !== undefined)?.error;
      if (refused !== undefined) {
        return { do: 'done', rows: [], failures: [{ stage: 'respond', id, model: 'm', reason: refused.kind, attempts: exchanges.length }] };
      }
      if (exchanges.length === calls) {
        return { do: 'done', rows: [{ id, texts: exchanges.map(({ reply }) => reply?.choices[0]?.text ?? '') }], failures: [] };
      }
      return {
        do: 'call',
        request: { path: 'completions', body: { [wording]: id, prompt: id, seed: exchanges.length }, tokenEstimate: 10 },
      };
    },
  };
}

function items(count: number, options: Parameters<typeof item>[1] = {}): BatchItem<Row>[] {
  return Array.from({ length: count }, (_, index) => item(`item${String(index).padStart(3, '0')}`, options));
}

/** One attempt, as an activity makes it: opens the journal, runs, closes. */
async function attempt(batch: readonly BatchItem<Row>[], options: Partial<BatchOptions<Row>> = {}) {
  const journal = await Journal.open(join(temp(), 'journal'));
  try {
    const client = createModelClient({
      name: 'm',
      spec: modelSpec({ baseURL: endpoint.baseURL }),
      limiter: new EndpointLimiter({ concurrency: 64 }),
      env: {},
      random: () => 0,
    });
    return await runBatch<Row>({
      items: batch,
      client,
      identity: 'endpoint-1',
      journal,
      concurrency: 6,
      stop: new AbortController().signal,
      onProgress: () => undefined,
      ...options,
    });
  } finally {
    await journal.close();
  }
}

async function journalled(): Promise<string[]> {
  const journal = await Journal.open(join(temp(), 'journal'));
  await journal.close();
  return [...journal.all()].map((record) => record.item).sort();
}

describe('a batch', () => {
  test('makes every call once and returns rows in the order of their ids, whatever order they ended in', async () => {
    await start();
    const result = await attempt([...items(40, { calls: 2 })].reverse());
    expect(result.rows.map(({ id }) => id)).toEqual(items(40).map(({ id }) => id));
    expect(new Set(result.rows.flatMap(({ texts }) => texts)).size).toBe(80);
    expect(Object.values(endpoint.countBy('item'))).toEqual(Array(40).fill(2));
    expect(Object.values(endpoint.countBy('bodyHash'))).toEqual(Array(80).fill(1));
    expect(result.calls.map(({ item: id, call }) => `${id}/${call}`)).toEqual(items(40).flatMap(({ id }) => [`${id}/0`, `${id}/1`]));
  });

  test("makes a request only when there is a permit for it, in the order of the items, and an item's later calls before the first ones of others", async () => {
    await start();
    const permits: (() => void)[] = [];
    const asked: string[] = [];
    const ranks: Record<string, number> = {};
    const client: ModelClient = {
      endpoint: 'a stub',
      async call({ body }, { onStart, rank = 0 }) {
        const name = `${String(body['prompt'])}/${String(body['seed'])}`;
        asked.push(name);
        ranks[name] = rank;
        await new Promise<void>((resolve) => permits.push(resolve));
        onStart?.();
        const reply = { choices: [{ text: 'x' }] };
        return { reply, text: JSON.stringify(reply), ms: 1 };
      },
    };
    const running = attempt(items(4, { calls: 2 }), { client });
    let ended = false;
    void running.finally(() => (ended = true));
    while (permits.length === 0) await new Promise(setImmediate);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(asked).toEqual(['item000/0']);
    while (!ended) {
      permits.shift()?.();
      await new Promise(setImmediate);
    }
    expect((await running).rows).toHaveLength(4);
    expect(asked.filter((name) => name.endsWith('/0'))).toEqual(['item000/0', 'item001/0', 'item002/0', 'item003/0']);
    expect(Math.max(ranks['item000/1']!, ranks['item001/1']!)).toBeLessThan(ranks['item000/0']!);
  });

  test('fills its lanes and never exceeds them', async () => {
    await start();
    endpoint.hold();
    const running = attempt(items(60), { concurrency: 6 });
    await endpoint.received(6);
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    endpoint.release();
    await running;
    expect(endpoint.maxInFlight).toBe(6);
  });

  test('counts what it did', async () => {
    await start();
    endpoint.inject({ kind: 'status', status: 503, headers: { 'retry-after-ms': '1' } }, { times: 2 });
    endpoint.inject({ kind: 'status', status: 400 }, { when: ({ item: id }) => id === 'item004' });
    const seen: BatchProgress[] = [];
    const result = await attempt(items(10), { onProgress: (read) => seen.push(read()) });
    const usages = result.calls.map(
      ({ reply }) => (JSON.parse(reply ?? '{}') as { usage?: { prompt_tokens: number; completion_tokens: number } }).usage,
    );
    const promptTokens = usages.reduce((sum, usage) => sum + (usage?.prompt_tokens ?? 0), 0);
    const completionTokens = usages.reduce((sum, usage) => sum + (usage?.completion_tokens ?? 0), 0);
    expect(promptTokens).toBeGreaterThan(0);
    expect(result.progress).toEqual({
      done: 10,
      total: 10,
      failed: 1,
      requests: 10,
      replayed: 0,
      promptTokens,
      completionTokens,
      // The refused prompt counts at its worst case.
      cost: { usd: 0, tokens: promptTokens + completionTokens + 'item004'.length + 16 + 256 },
      errors: { overloaded: 2, refused: 1 },
    });
    expect(seen.at(-1)).toEqual(result.progress);
    expect(result.stats).toMatchObject({ calls: 10, requests: 10, promptTokens, completionTokens, transient: { overloaded: 2 } });
    expect(Date.parse(result.stats.startedAt)).toBeLessThanOrEqual(Date.parse(result.stats.finishedAt));
    expect(result.rows).toHaveLength(9);
    expect(result.failures).toEqual([{ stage: 'respond', id: 'item004', model: 'm', reason: 'refused', attempts: 1 }]);
  });

  test('counts the samples of one request one by one', async () => {
    await start();
    const three: BatchItem<Row> = {
      id: 'a',
      next: ([first]) =>
        first === undefined
          ? { do: 'call', request: { path: 'completions', body: { prompt: 'a', n: 3 }, tokenEstimate: 10 } }
          : { do: 'done', rows: [{ id: 'a', texts: first.reply?.choices.map(({ text }) => text) ?? [] }], failures: [] },
    };
    const { rows, stats } = await attempt([three]);
    expect(new Set(rows[0]?.texts).size).toBe(3);
    expect(stats).toMatchObject({ calls: 3, requests: 1 });
  });

  test('without items is done at once', async () => {
    await start();
    const result = await attempt([]);
    expect(result).toMatchObject({ rows: [], failures: [], calls: [], progress: { done: 0, total: 0 } });
  });

  test('that fails in its own code ends with that error', async () => {
    await start();
    const bad: BatchItem<Row> = {
      id: 'bad',
      next: () => {
        throw new RangeError('a bug');
      },
    };
    await expect(attempt([...items(3), bad])).rejects.toThrow(new RangeError('a bug'));
  });
});

describe('a second attempt', () => {
  test('with a whole journal makes no call and gives the same rows', async () => {
    await start();
    const first = await attempt(items(20, { calls: 3 }));
    const requests = endpoint.requests.length;
    const second = await attempt(items(20, { calls: 3 }));
    expect(endpoint.requests).toHaveLength(requests);
    expect(second.rows).toEqual(first.rows);
    expect(second.calls).toEqual(first.calls);
    expect(second.progress).toEqual({ ...first.progress, replayed: 60 });
  });

  test('after a stop in the middle pays for nothing twice and ends as an undisturbed one does', async () => {
    await start();
    const controller = new AbortController();
    const reason = new Error('draining');
    const stopping = attempt(items(50, { calls: 2 }), {
      stop: controller.signal,
      onProgress: (read) => read().requests >= 31 && controller.abort(reason),
    });
    await expect(stopping).rejects.toBe(reason);
    const before = endpoint.requests.length;
    expect(before).toBeLessThan(100);
    const resumed = await attempt(items(50, { calls: 2 }));
    expect(endpoint.requests).toHaveLength(100);
    expect(endpoint.paidTwice()).toEqual([]);
    expect(resumed.progress).toMatchObject({ done: 50, requests: 100, replayed: before });

    const fresh = await Journal.open(join(temp(), 'fresh'));
    const undisturbed = await attempt(items(50, { calls: 2 }), { journal: fresh });
    await fresh.close();
    expect(resumed.rows).toEqual(undisturbed.rows);
  });

  test('makes a call again whose request has changed, for it is another call', async () => {
    await start();
    await attempt(items(5));
    await attempt(items(5, { wording: 'instruction' }));
    expect(endpoint.requests).toHaveLength(10);
  });

  test('makes calls again that went to another endpoint', async () => {
    await start();
    await attempt(items(5));
    await attempt(items(5), { identity: 'endpoint-2' });
    expect(endpoint.requests).toHaveLength(10);
  });

  test('keeps a refusal as the result that it is, since other items had replies', async () => {
    await start();
    endpoint.inject({ kind: 'status', status: 400 }, { when: ({ item: id }) => id === 'item002' });
    const first = await attempt(items(6));
    const second = await attempt(items(6));
    expect(endpoint.requests).toHaveLength(6);
    expect(second.failures).toEqual(first.failures);
    expect(second.failures).toHaveLength(1);
  });
});

describe('a stop', () => {
  test('begins no new call, lets those in flight finish, and journals them', async () => {
    await start();
    endpoint.hold();
    const controller = new AbortController();
    const reason = new Error('draining');
    const running = attempt(items(30), { stop: controller.signal, concurrency: 5 });
    await endpoint.received(5);
    controller.abort(reason);
    endpoint.release();
    await expect(running).rejects.toBe(reason);
    expect(endpoint.requests).toHaveLength(5);
    expect(await journalled()).toEqual(['item000', 'item001', 'item002', 'item003', 'item004']);
  });

  test('before the first call makes none', async () => {
    await start();
    const reason = new Error('draining');
    await expect(attempt(items(3), { stop: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(endpoint.requests).toEqual([]);
  });

  test('after the last call has begun does not undo the batch', async () => {
    await start();
    endpoint.hold();
    const controller = new AbortController();
    const running = attempt(items(5), { stop: controller.signal, concurrency: 5 });
    await endpoint.received(5);
    controller.abort(new Error('draining'));
    endpoint.release();
    expect((await running).rows).toHaveLength(5);
  });
});

describe('a permanent error', () => {
  test('ends the batch, and the calls in flight are journalled first', async () => {
    await start();
    endpoint.inject({ kind: 'status', status: 401 }, { when: ({ item: id }) => id === 'item003' });
    endpoint.hold();
    const running = attempt(items(30), { concurrency: 4 });
    await endpoint.received(4);
    endpoint.release();
    await expect(running).rejects.toThrow(PermanentEndpointError);
    expect(await journalled()).toEqual(expect.arrayContaining(['item000', 'item001', 'item002']));
    expect(endpoint.requests.length).toBeLessThan(30);
  });

  test('of the journal ends the batch', async () => {
    await start();
    const journal = await Journal.open(join(temp(), 'closed'));
    await journal.close();
    await expect(attempt(items(4), { journal })).rejects.toThrow(/^the journal in .* cannot be written/);
  });
});

describe('an endpoint that refuses everything', () => {
  test("ends the batch after eight refusals, with the endpoint's words and the way out", async () => {
    await start({ contextTokens: 0 });
    await expect(attempt(items(100), { concurrency: 1 })).rejects.toThrow(
      new AllRefusedError(
        `model "m" at ${endpoint.baseURL} refused the first 8 requests: 400 This model's maximum context length is 0 tokens; you asked for 4.; ` +
          'check template, since raw prompts are sent',
      ),
    );
    expect(endpoint.requests).toHaveLength(8);
  });

  test('ends the next attempt too, as long as it is not fixed', async () => {
    await start({ contextTokens: 0 });
    await expect(attempt(items(20), { concurrency: 1 })).rejects.toThrow(AllRefusedError);
    await expect(attempt(items(20), { concurrency: 1 })).rejects.toThrow(AllRefusedError);
    expect(endpoint.requests).toHaveLength(16);
  });

  test('fails no item once it is fixed, and its replies are not asked for again after that', async () => {
    await start();
    endpoint.inject({ kind: 'status', status: 400 }, { times: 8 });
    await expect(attempt(items(20), { concurrency: 1 })).rejects.toThrow(AllRefusedError);
    const fixed = await attempt(items(20));
    expect(fixed.rows).toHaveLength(20);
    expect(fixed.failures).toEqual([]);
    const requests = endpoint.requests.length;
    expect((await attempt(items(20))).rows).toEqual(fixed.rows);
    expect(endpoint.requests).toHaveLength(requests);
  });

  test('is not what eight refused items among others mean', async () => {
    await start();
    endpoint.inject({ kind: 'status', status: 400 }, { times: 12, when: ({ number }) => number > 1 });
    const result = await attempt(items(30), { concurrency: 1 });
    expect(result.rows).toHaveLength(18);
    expect(result.failures).toHaveLength(12);
  });

  test('that has fewer than eight items is a batch of failures', async () => {
    await start({ contextTokens: 0 });
    const result = await attempt(items(7));
    expect(result.failures).toHaveLength(7);
  });
});

describe('an item that breaks the server', () => {
  const CRASH = { kind: 'status', status: 500, headers: { 'retry-after-ms': '1' } } as const;
  const clientFor = (health: EndpointHealth): ModelClient =>
    createModelClient({
      name: 'm',
      spec: modelSpec({ baseURL: endpoint.baseURL }),
      limiter: new EndpointLimiter({ concurrency: 64 }),
      health,
      env: {},
      random: () => 0,
    });

  test.each([1, 6])('ends as a counted failure with its kind, and the others end well (%d lanes)', async (concurrency) => {
    await start();
    endpoint.inject(CRASH, { times: 10_000, when: ({ item: id }) => id === 'item000' });
    const result = await attempt(items(40), {
      client: clientFor(new EndpointHealth({ minFailingMs: 0 })),
      concurrency,
      setAsideAfterMs: 0,
    });
    expect(result.rows).toHaveLength(39);
    expect(result.failures).toEqual([{ stage: 'respond', id: 'item000', model: 'm', reason: 'server_error', attempts: 1 }]);
    const [failed] = result.calls.filter(({ item: id }) => id === 'item000');
    expect(failed?.error?.message).toMatch(
      /^failed \d+ times in a row while \d+ of \d+ other requests succeeded at the first try; the last time: 500 scripted 500$/,
    );
    // Of the others, each was asked once.
    expect(endpoint.paidTwice()).toEqual([]);
    const again = await attempt(items(40));
    expect(again.failures).toEqual(result.failures);
  });

  test('is found out even when every lane holds one, and nothing else is left', async () => {
    await start();
    endpoint.inject(CRASH, { times: 10_000, when: ({ item: id }) => id?.startsWith('item') === true });
    const result = await attempt(items(4), {
      client: clientFor(new EndpointHealth({ minFailingMs: 0 })),
      concurrency: 4,
      setAsideAfterMs: 0,
    });
    expect(result.failures.map(({ reason }) => reason)).toEqual(Array(4).fill('server_error'));
    expect(endpoint.countBy('item')['Hello']).toBeGreaterThan(0); // that the server is well, only another request can tell
  });

  test('is not what an outage makes of items: all end well after it', async () => {
    await start();
    endpoint.inject(CRASH, { times: 500 });
    const result = await attempt(items(40), { client: clientFor(new EndpointHealth({ minFailingMs: 0 })), setAsideAfterMs: 0 });
    expect(result.rows).toHaveLength(40);
    expect(endpoint.paidTwice()).toEqual([]);
  });

  test('is given back when the batch is stopped', async () => {
    await start();
    endpoint.inject(CRASH, { times: 10_000, when: ({ item: id }) => id === 'item000' });
    const controller = new AbortController();
    const reason = new Error('draining');
    const running = attempt(items(5), {
      client: clientFor(new EndpointHealth()),
      setAsideAfterMs: 0,
      stop: controller.signal,
      onProgress: (read) => read().done === 4 && controller.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
    expect(await journalled()).toEqual(expect.arrayContaining(['item001', 'item002', 'item003', 'item004']));
  });
});

describe('an endpoint that leaves out what was asked for', () => {
  const asking = (id: string, body: Readonly<Record<string, unknown>>): BatchItem<Row> => ({
    id,
    next: ([first]) =>
      first === undefined
        ? { do: 'call', request: { path: 'completions', body: { prompt: id, ...body }, tokenEstimate: 10 } }
        : { do: 'done', rows: [{ id, texts: first.reply?.choices.map(({ text }) => text) ?? [] }], failures: [] },
  });

  test('is told at once when that is logprobs, without which its replies are useless', async () => {
    await start({ ignoresLogprobs: true });
    const judged = items(30).map(({ id }) => asking(id, { logprobs: 20 }));
    await expect(attempt(judged, { concurrency: 1 })).rejects.toThrow(
      new AllRefusedError(
        `model "m" at ${endpoint.baseURL} gave no logprobs in its first 8 replies; ` +
          'the requests ask for logprobs: set synthesis.judge.scoring: text if the endpoint gives none',
      ),
    );
    expect(endpoint.requests).toHaveLength(8);
  });

  test('is counted when that is samples', async () => {
    await start({ ignoresN: true });
    const { stats } = await attempt(items(5).map(({ id }) => asking(id, { n: 3 })));
    expect(stats.transient).toEqual({ fewer_choices: 5 });
  });
});
