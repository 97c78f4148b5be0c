import type { BatchApiName } from '../../../config/batch-apis';
import { BudgetExhaustedError } from '../../../services/batches/allowance-gate';
import type { OrderedState } from '../../../services/batches/ordered-batch';
import { attempt, billedUsd, KEY, provider, start, untilDone, useOrders } from '../../support/ordered-attempts';

useOrders();

const APIS: readonly BatchApiName[] = ['openai', 'together', 'anthropic'];

describe.each(APIS)('with the API of %s', (api) => {
  test('each call is ordered, comes back in any order, is journalled once, and costs what is billed', async () => {
    await start({ api });
    const { calls, cost, out } = await untilDone();
    expect(calls).toHaveLength(10);
    expect(provider.batches).toHaveLength(1);
    expect(provider.billedTwice()).toHaveLength(0);
    expect(cost.usd).toBeCloseTo(billedUsd(), 10);
    expect(out.usd).toBe(0);
  });

  test('what a batch did not come to, and what failed for a while, is ordered again, and nothing else', async () => {
    await start({
      api,
      fate: ({ number }) => (number === 1 ? { end: 'expired', done: 6 } : { end: 'completed' }),
      lineError: ({ messages }, { number }) =>
        number === 1 && messages?.[0]?.content.includes('2') === true ? { status: 500, type: 'api_error' } : undefined,
    });
    const { calls, cost } = await untilDone();
    expect(calls).toHaveLength(10);
    expect(provider.batches.map(({ lines }) => lines.length)).toEqual([10, 5]);
    expect(provider.billedTwice()).toHaveLength(0);
    expect(cost.usd).toBeCloseTo(billedUsd(), 10);
  });

  test('a request that is refused is a result, and costs nothing', async () => {
    await start({
      api,
      lineError: ({ messages }) =>
        messages?.[0]?.content.includes('3') === true ? { status: 400, type: 'invalid_request_error' } : undefined,
    });
    const { calls, cost } = await untilDone();
    expect(calls.filter(({ error }) => error !== undefined)).toMatchObject([{ error: { kind: 'refused' }, counted: { promptTokens: 0 } }]);
    expect(provider.batches).toHaveLength(1);
    expect(cost.usd).toBeCloseTo(billedUsd(), 10);
  });

  test('a batch whose answer was lost is found at the provider, and not ordered again', async () => {
    await start({ api, looks: 2 });
    provider.loseAnswers = 1;
    await expect(attempt()).rejects.toThrow('it is asked again');
    const { calls } = await untilDone();
    expect(calls).toHaveLength(10);
    expect(provider.batches).toHaveLength(1);
  });

  test('an order that was never sent is found missing, and ordered again', async () => {
    await start({ api });
    let asked = 0;
    let kill: (reason: Error) => void = () => undefined;
    // The second time is after the order was written down: what follows is as if the process had been killed there.
    const killed = attempt({
      beforeSend: async () => {
        if (++asked === 2) await new Promise((_, reject) => (kill = reject));
      },
    }).catch((error: unknown) => error);
    while (asked < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const { calls } = await untilDone();
    expect(calls).toHaveLength(10);
    expect(provider.batches).toHaveLength(1);
    kill(new Error('gone'));
    await killed;
  });

  test('replies that are unusable are asked for again in a further batch', async () => {
    await start({
      api,
      reply: (_, { messages }, __) => ({ text: messages?.[0]?.content.includes('1') === true ? 'no end' : 'An answer.' }),
    });
    const { calls } = await untilDone();
    expect(provider.batches.map(({ lines }) => lines.length)).toEqual([10, 1, 1]);
    expect(calls).toHaveLength(12);
  });

  test('batches are cut to what the spec allows', async () => {
    await start({ api });
    const { calls } = await untilDone({ spec: { batch: { api, pollSeconds: 0.05, maxRequests: 4 } } });
    expect(calls).toHaveLength(10);
    expect(provider.batches.map(({ lines }) => lines.length)).toEqual([4, 4, 2]);
  });

  test('what is ordered is cancelled when the budget is withdrawn: what is done by then is paid, the rest asked for again', async () => {
    await start({ api, looks: 0 });
    provider.hold();
    await attempt({ allowance: { usd: 100 } });
    const { out } = await attempt({ allowance: { usd: 100 } });
    expect(out.usd).toBeGreaterThan(0);
    const withdrawn = { allowance: { usd: 0 }, withdrawn: true };
    let error: unknown;
    for (let looks = 0; looks < 5 && error === undefined; looks++) await attempt(withdrawn).catch((each: unknown) => (error = each));
    expect(error).toBeInstanceOf(BudgetExhaustedError);
    expect(provider.batches[0]?.fate).toMatchObject({ end: 'cancelled', done: 5 });
    provider.release();
    const { calls } = await untilDone({ allowance: { usd: 100 } });
    expect(calls).toHaveLength(10);
    expect(provider.billedTwice()).toHaveLength(0);
  });
});

test('a model that becomes a live one calls back what is out, and keeps what is done of it', async () => {
  await start({ looks: 0 });
  provider.hold();
  await attempt();
  let state: OrderedState | undefined;
  for (let looks = 0; looks < 5 && state?.isDone !== true; looks++) state = (await attempt({ spec: { mode: 'live' } })).state;
  expect(state).toMatchObject({ isDone: true, itemsLeft: 5 });
  expect(provider.batches).toHaveLength(1);
});

test('a provider without room for so many tokens gets smaller batches, in turn', async () => {
  await start({ enqueuedTokens: 400, looks: 1 });
  const { calls } = await untilDone();
  expect(calls).toHaveLength(10);
  const taken = provider.batches.filter(({ fate }) => fate?.end === 'completed');
  expect(taken.every(({ lines }) => lines.length <= 5)).toBe(true);
  expect(provider.billedTwice()).toHaveLength(0);
});

test('with enqueuedTokens the next batch waits until the one before is done', async () => {
  await start({ looks: 1 });
  let most = 0;
  let last: OrderedState | undefined;
  const spec = { batch: { api: 'openai' as const, pollSeconds: 0.05, enqueuedTokens: 300 } };
  while (last?.isDone !== true) {
    last = (await attempt({ spec })).state;
    most = Math.max(most, provider.running.length);
  }
  expect(most).toBe(1);
  expect(provider.batches.length).toBeGreaterThan(2);
});

test('an allowance holds the worst case of a whole batch, and less than a quarter of what is wanted is not ordered', async () => {
  await start({});
  const error: unknown = await attempt({ allowance: { usd: 0.2 } }).catch((each: unknown) => each);
  expect(error).toBeInstanceOf(BudgetExhaustedError);
  const { needs, wants } = error as BudgetExhaustedError;
  expect(provider.batches).toHaveLength(0);
  const first = await attempt({ allowance: { usd: 0.2 + needs.usd } });
  expect(first.out.usd).toBeLessThanOrEqual(0.2 + needs.usd + 1e-9);
  expect(provider.batches.map(({ lines }) => lines.length)).toEqual([3]);
  await untilDone({ allowance: { usd: 0.2 + (wants?.usd ?? 0) } });
  expect(provider.billedTwice()).toHaveLength(0);
});

test('a provider that refuses all requests ends the batch, and is asked again when somebody has looked', async () => {
  let isWrong = true;
  await start({ lineError: () => (isWrong ? { status: 400, type: 'invalid_request_error' } : undefined) });
  await expect(untilDone()).rejects.toThrow('refused all 10 requests');
  isWrong = false;
  const { calls } = await untilDone();
  expect(calls.every(({ error }) => error === undefined)).toBe(true);
});

test('a batch that fails as a whole ends the run with what the provider says', async () => {
  await start({ fate: () => ({ end: 'failed', code: 'model_not_found' }) });
  await expect(untilDone()).rejects.toThrow('did nothing of the batch batch_1x: scripted (model_not_found)');
});

test('what the provider says of a batch is told without pieces of the key', async () => {
  await start({ fate: () => ({ end: 'failed', code: `no_${KEY.slice(2, 14)}` }) });
  await expect(untilDone()).rejects.toThrow('did nothing of the batch batch_1x: scripted (no_[redacted])');
});
