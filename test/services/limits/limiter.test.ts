import { setMaxListeners } from 'node:events';
import { EndpointLimiter, type CallPermit } from '../../../services/limits/limiter';
import { sleep } from '../../../services/timing/sleep';

const NEVER = new AbortController().signal;
setMaxListeners(0, NEVER);

beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'], now: 1_000_000 }));
afterEach(() => jest.useRealTimers());

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

/** Asks for a permit and tells whether it was granted yet. */
function request(limiter: EndpointLimiter, { tokens = 1, signal = NEVER } = {}): { permit: CallPermit | undefined; error: unknown } {
  const state: { permit: CallPermit | undefined; error: unknown } = { permit: undefined, error: undefined };
  limiter.acquire(tokens, signal).then(
    (permit) => (state.permit = permit),
    (error: unknown) => (state.error = error),
  );
  return state;
}

function granted(requests: readonly { permit: CallPermit | undefined }[]): number {
  return requests.filter(({ permit }) => permit !== undefined).length;
}

describe('concurrency', () => {
  test('is used up fully and never exceeded', async () => {
    const limiter = new EndpointLimiter({ concurrency: 5 });
    let inFlight = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const permit = await limiter.acquire(1, NEVER);
        most = Math.max(most, ++inFlight);
        await turns(index % 4);
        inFlight--;
        permit.succeeded();
      }),
    );
    expect(most).toBe(5);
    expect(inFlight).toBe(0);
  });

  test('goes to the lowest rank of those who wait, and among equals to the one that came first', async () => {
    const limiter = new EndpointLimiter({ concurrency: 1 });
    const first = await limiter.acquire(1, NEVER);
    const order: string[] = [];
    const waiting = (
      [
        ['b', 2],
        ['a', 1],
        ['c', 2],
        ['urgent', 0],
        ['a too', 1],
      ] as const
    ).map(async ([name, rank]) => {
      const permit = await limiter.acquire(1, NEVER, rank);
      order.push(name);
      permit.succeeded();
    });
    first.succeeded();
    await Promise.all(waiting);
    expect(order).toEqual(['urgent', 'a', 'a too', 'b', 'c']);
  });

  test('is never exceeded while it is cut and grows again', async () => {
    const limiter = new EndpointLimiter({ concurrency: 12 });
    let inFlight = 0;
    await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const permit = await limiter.acquire(1, NEVER);
        inFlight++;
        expect(inFlight).toBeLessThanOrEqual(12);
        await turns(1 + (index % 3));
        await jest.advanceTimersByTimeAsync(1);
        inFlight--;
        if (index % 7 === 0) permit.failed({ overloaded: true });
        else permit.succeeded();
      }),
    );
    expect(limiter.currentConcurrency).toBeLessThanOrEqual(12);
  });

  test('is cut once for a burst of refusals, and again for the next', async () => {
    const limiter = new EndpointLimiter({ concurrency: 8 });
    const burst = await Promise.all(Array.from({ length: 8 }, () => limiter.acquire(1, NEVER)));
    await jest.advanceTimersByTimeAsync(10);
    for (const permit of burst) permit.failed({ overloaded: true });
    expect(limiter.currentConcurrency).toBe(4);
    await jest.advanceTimersByTimeAsync(10);
    (await limiter.acquire(1, NEVER)).failed({ overloaded: true });
    expect(limiter.currentConcurrency).toBe(2);
  });

  test('is not cut by failures that say nothing about load', async () => {
    const limiter = new EndpointLimiter({ concurrency: 8 });
    (await limiter.acquire(1, NEVER)).failed({ overloaded: false });
    expect(limiter.currentConcurrency).toBe(8);
  });

  test('recovers after a cut with enough successes, up to what was configured', async () => {
    const limiter = new EndpointLimiter({ concurrency: 8 });
    (await limiter.acquire(1, NEVER)).failed({ overloaded: true });
    expect(limiter.currentConcurrency).toBe(4);
    for (let i = 0; i < 100; i++) (await limiter.acquire(1, NEVER)).succeeded();
    expect(limiter.currentConcurrency).toBe(8);
  });

  test('lets waiters in in the order in which they came', async () => {
    const limiter = new EndpointLimiter({ concurrency: 1 });
    const first = await limiter.acquire(1, NEVER);
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (number) => {
      const permit = await limiter.acquire(1, NEVER);
      order.push(number);
      permit.succeeded();
    });
    first.succeeded();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
  });
});

describe('a wait that the endpoint asked for', () => {
  test('closes the gate for everybody until it is over', async () => {
    const limiter = new EndpointLimiter({ concurrency: 4 });
    (await limiter.acquire(1, NEVER)).failed({ overloaded: true, waitMs: 5_000 });
    const requests = [request(limiter), request(limiter)];
    await jest.advanceTimersByTimeAsync(4_999);
    expect(granted(requests)).toBe(0);
    await jest.advanceTimersByTimeAsync(2);
    expect(granted(requests)).toBe(2);
  });

  test('is as long as the longest that was asked for', async () => {
    const limiter = new EndpointLimiter({ concurrency: 4 });
    const [first, second, third] = await Promise.all([limiter.acquire(1, NEVER), limiter.acquire(1, NEVER), limiter.acquire(1, NEVER)]);
    first.failed({ overloaded: true, waitMs: 1_000 });
    const waiting = request(limiter);
    second.failed({ overloaded: true, waitMs: 9_000 });
    third.failed({ overloaded: true, waitMs: 2_000 });
    await jest.advanceTimersByTimeAsync(8_999);
    expect(waiting.permit).toBeUndefined();
    await jest.advanceTimersByTimeAsync(3);
    expect(waiting.permit).toBeDefined();
  });

  test('also holds those who were waiting for their budget', async () => {
    const limiter = new EndpointLimiter({ concurrency: 4, requestsPerMinute: 1 });
    const first = await limiter.acquire(1, NEVER);
    const waiting = request(limiter);
    await jest.advanceTimersByTimeAsync(1_000);
    first.failed({ overloaded: true, waitMs: 90_000 });
    await jest.advanceTimersByTimeAsync(89_000); // the minute is over, the quiet is not
    expect(waiting.permit).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1_001);
    expect(waiting.permit).toBeDefined();
  });
});

describe('abort', () => {
  test('before asking throws the reason and takes no permit', async () => {
    const limiter = new EndpointLimiter({ concurrency: 1 });
    const reason = new Error('stopped');
    await expect(limiter.acquire(1, AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(limiter.acquire(1, NEVER)).resolves.toBeDefined();
  });

  test('while waiting throws the reason, and the next in line gets the permit', async () => {
    const limiter = new EndpointLimiter({ concurrency: 1 });
    const holder = await limiter.acquire(1, NEVER);
    const controller = new AbortController();
    const reason = new Error('stopped');
    const aborted = request(limiter, { signal: controller.signal });
    const next = request(limiter);
    controller.abort(reason);
    await turns(1);
    expect(aborted.error).toBe(reason);
    holder.succeeded();
    await turns(1);
    expect(next.permit).toBeDefined();
  });

  test('while the gate is closed leaves no timer behind', async () => {
    const limiter = new EndpointLimiter({ concurrency: 1 });
    (await limiter.acquire(1, NEVER)).failed({ overloaded: true, waitMs: 600_000 });
    const controller = new AbortController();
    const requests = [request(limiter, { signal: controller.signal }), request(limiter, { signal: controller.signal })];
    expect(jest.getTimerCount()).toBe(1);
    controller.abort(new Error('stopped'));
    await turns(1);
    expect(requests.map(({ error }) => (error as Error).message)).toEqual(['stopped', 'stopped']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('while waiting for budget gives the permit back', async () => {
    const limiter = new EndpointLimiter({ concurrency: 1, tokensPerMinute: 100 });
    (await limiter.acquire(100, NEVER)).succeeded();
    const controller = new AbortController();
    const aborted = request(limiter, { tokens: 50, signal: controller.signal });
    const next = request(limiter, { tokens: 50 });
    await turns(2);
    controller.abort(new Error('stopped'));
    await turns(2);
    expect(aborted.error).toEqual(new Error('stopped'));
    await jest.advanceTimersByTimeAsync(60_002);
    expect(next.permit).toBeDefined();
  });
});

describe('budgets', () => {
  test('no minute sees more requests than allowed, and all of them are used', async () => {
    const limiter = new EndpointLimiter({ concurrency: 100, requestsPerMinute: 3 });
    const requests = Array.from({ length: 10 }, () => request(limiter));
    const perMinute: number[] = [];
    for (let minute = 0; minute < 4; minute++) {
      const before = granted(requests);
      await jest.advanceTimersByTimeAsync(minute === 0 ? 59_000 : 60_000);
      perMinute.push(granted(requests) - before);
    }
    expect(perMinute).toEqual([3, 3, 3, 1]);
  });

  test('no minute sees more tokens than allowed', async () => {
    const limiter = new EndpointLimiter({ concurrency: 100, tokensPerMinute: 100 });
    const requests = [60, 60, 30].map((tokens) => request(limiter, { tokens }));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(requests.map(({ permit }) => permit !== undefined)).toEqual([true, false, true]);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(granted(requests)).toBe(3);
  });

  test('a call that is larger than the whole budget gets a minute of its own instead of waiting for ever', async () => {
    const limiter = new EndpointLimiter({ concurrency: 100, tokensPerMinute: 100 });
    (await limiter.acquire(10, NEVER)).succeeded();
    const large = request(limiter, { tokens: 5_000 });
    await jest.advanceTimersByTimeAsync(1_000);
    expect(large.permit).toBeUndefined();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(large.permit).toBeDefined();
  });
});

describe('new limits', () => {
  test('let calls in that wait already', async () => {
    const limiter = new EndpointLimiter({ concurrency: 1 });
    const requests = Array.from({ length: 5 }, () => request(limiter));
    await turns(1);
    expect(granted(requests)).toBe(1);
    limiter.configure({ concurrency: 4 });
    await turns(1);
    expect(granted(requests)).toBe(4);
  });

  test('that are lower let calls in flight end, and no more in until there is room', async () => {
    const limiter = new EndpointLimiter({ concurrency: 4 });
    const slots = await Promise.all([1, 2, 3, 4].map(() => limiter.acquire(1, NEVER)));
    const waiting = request(limiter);
    limiter.configure({ concurrency: 2 });
    slots[0]!.succeeded();
    slots[1]!.succeeded();
    await turns(1);
    expect(waiting.permit).toBeUndefined();
    slots[2]!.succeeded();
    await turns(1);
    expect(waiting.permit).toBeDefined();
  });

  test('do not lift what a 429 has cut', async () => {
    const limiter = new EndpointLimiter({ concurrency: 8 });
    (await limiter.acquire(1, NEVER)).failed({ overloaded: true });
    limiter.configure({ concurrency: 16 });
    expect(limiter.currentConcurrency).toBe(4);
  });

  test('for a minute hold in the minute that runs, also for calls that wait for it', async () => {
    const limiter = new EndpointLimiter({ concurrency: 100, requestsPerMinute: 2 });
    const requests = Array.from({ length: 10 }, () => request(limiter));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(granted(requests)).toBe(2);
    limiter.configure({ concurrency: 100, requestsPerMinute: 5 });
    await jest.advanceTimersByTimeAsync(1_000);
    expect(granted(requests)).toBe(5);
    limiter.configure({ concurrency: 100 });
    await jest.advanceTimersByTimeAsync(1);
    expect(granted(requests)).toBe(10);
  });

  test('that bring a limit for a minute where there was none count from then on', async () => {
    const limiter = new EndpointLimiter({ concurrency: 100 });
    (await limiter.acquire(1, NEVER)).succeeded();
    limiter.configure({ concurrency: 100, tokensPerMinute: 100 });
    const requests = [80, 80].map((tokens) => request(limiter, { tokens }));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(granted(requests)).toBe(1);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(granted(requests)).toBe(2);
  });
});

describe('latency', () => {
  /** Answers in the order of arrival, one each 100 ms: whatever is sent beyond one only waits. */
  async function queueUp(limiter: EndpointLimiter, calls: number): Promise<void> {
    let line = Promise.resolve();
    await Promise.all(
      Array.from({ length: calls }, async () => {
        const permit = await limiter.acquire(100, NEVER);
        line = line.then(() => jest.advanceTimersByTimeAsync(100)).then(() => undefined);
        await line;
        permit.succeeded(50);
      }),
    );
  }

  test('lowers the requests in flight where they only queue', async () => {
    const limiter = new EndpointLimiter({ concurrency: 40 });
    await queueUp(limiter, 2_000);
    expect(limiter.currentConcurrency).toBeLessThan(20);
  });

  test('is left alone where the spec says so', async () => {
    const limiter = new EndpointLimiter({ concurrency: 40, adaptive: false });
    await queueUp(limiter, 2_000);
    expect(limiter.currentConcurrency).toBe(40);
  });
});

test('a sleep that is aborted throws the reason and leaves no timer', async () => {
  const controller = new AbortController();
  const reason = new Error('stopped');
  const asleep = sleep(60_000, controller.signal);
  controller.abort(reason);
  await expect(asleep).rejects.toBe(reason);
  expect(jest.getTimerCount()).toBe(0);
});
