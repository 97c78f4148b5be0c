import { spawn, type ChildProcess } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { redisSharing } from '../../../services/limits/limit-sharing';
import { EndpointLimiter, type EndpointLimits } from '../../../services/limits/limiter';
import { RedisLink } from '../../../services/limits/redis-link';
import { RedisMinutePoints } from '../../../services/limits/redis-points';
import { TestRedis } from '../../support/redis-server';

const EVERY_MS = 20;
const LEASE_MS = 1_000;

let redis: TestRedis;
/** So that each test has an endpoint of its own. */
let endpoint = 0;
let processes: Caller[] = [];
const warnings: unknown[] = [];

beforeAll(async () => {
  redis = await TestRedis.start();
});
afterAll(async () => await redis.kill());
beforeEach(() => {
  endpoint++;
  warnings.length = 0;
});
afterEach(async () => {
  await Promise.all(processes.map(async (caller) => await caller.stop()));
  processes = [];
});

/** What runs in one process: its own connection, its own limiter, and calls that want as much as they are told. */
class Caller {
  inFlight = 0;
  calls = 0;
  private readonly stopping = new AbortController();
  private readonly lanes: Promise<void>[] = [];
  readonly limiter: EndpointLimiter;
  readonly link: RedisLink;

  constructor(
    limits: EndpointLimits,
    private readonly onChange: () => void = () => undefined,
    private readonly callMs?: number,
  ) {
    setMaxListeners(0, this.stopping.signal);
    this.link = new RedisLink(redis.url, { info: () => undefined, warn: (what: unknown) => warnings.push(what) });
    const sharing = redisSharing(this.link, { everyMs: EVERY_MS, leaseMs: LEASE_MS });
    this.limiter = new EndpointLimiter({ ...limits, ...sharing.ties(`endpoint ${endpoint}`) });
    processes.push(this);
  }

  /** Keeps this many calls in flight or waiting. */
  run(lanes: number): this {
    for (let lane = 0; lane < lanes; lane++) {
      this.lanes.push(
        (async () => {
          while (!this.stopping.signal.aborted) {
            const slot = await this.limiter.acquire(1, this.stopping.signal);
            this.inFlight++;
            this.calls++;
            this.onChange();
            await new Promise((resolve) => setTimeout(resolve, this.callMs ?? 1 + (this.calls % 7)));
            this.inFlight--;
            slot.succeeded();
          }
        })().catch(() => undefined), // it was told to stop
      );
    }
    return this;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.lanes);
    await this.limiter.close();
    this.link.close();
  }

  /** The connection is cut for good, and nobody tells Redis. */
  vanish(): void {
    this.link.close();
  }
}

/** Ends when the condition holds; long before the test's own end it gives up, so that nothing polls on. */
async function until(condition: () => boolean): Promise<void> {
  const lastMs = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > lastMs) throw new Error(`this has not come to hold: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Several processes, and the most that they ever had in flight together. */
function together(
  count: number,
  limits: EndpointLimits,
  callMs?: number,
): { readonly callers: readonly Caller[]; readonly now: () => number; readonly most: () => number } {
  let most = 0;
  const callers: Caller[] = [];
  const now = (): number => callers.reduce((sum, { inFlight }) => sum + inFlight, 0);
  for (let index = 0; index < count; index++) {
    callers.push(new Caller(limits, () => (most = Math.max(most, now())), callMs));
  }
  return { callers, now, most: () => most };
}

describe('requests in flight', () => {
  test('of all processes together reach the limit and never pass it', async () => {
    const { callers, now, most } = together(4, { concurrency: 10 });
    for (const caller of callers) caller.run(10);
    await until(() => callers.every(({ calls }) => calls > 100));
    await until(() => now() === 10);
    expect(most()).toBe(10);
  });

  test('go to the process that wants them, and come back when another wants some', async () => {
    const { callers, most } = together(2, { concurrency: 8 });
    const [first, second] = callers as [Caller, Caller];
    first.run(8);
    await until(() => first.inFlight === 8);
    second.run(3);
    await until(() => second.inFlight === 3 && first.inFlight === 5);
    await second.stop();
    await until(() => first.inFlight === 8);
    expect(most()).toBe(8);
  });

  test('of a process that is idle are free for others, though it lives', async () => {
    const { callers, most } = together(2, { concurrency: 6 });
    const [first, second] = callers as [Caller, Caller];
    const slot = await first.limiter.acquire(1, new AbortController().signal);
    slot.succeeded();
    second.run(6);
    await until(() => second.inFlight === 6);
    expect(most()).toBe(6);
  });

  test('follow a new limit that any one of them is given', async () => {
    const { callers, now } = together(2, { concurrency: 4 });
    for (const caller of callers) caller.run(20);
    await until(() => now() === 4);
    callers[0]!.limiter.configure({ concurrency: 12 });
    await until(() => now() === 12);
    callers[1]!.limiter.configure({ concurrency: 3 });
    const parts = (): number[] => callers.map(({ limiter }) => limiter.currentConcurrency).sort((a, b) => a - b);
    await until(() => now() <= 3 && parts()[0] === 1 && parts()[1] === 2);
    expect(now()).toBeLessThanOrEqual(3);
  });
});

describe('what the endpoint says', () => {
  test('to one process is heard by all: leave me alone', async () => {
    const { callers } = together(2, { concurrency: 4 });
    const [first, second] = callers as [Caller, Caller];
    second.run(1);
    await until(() => second.calls > 0);
    const slot = await first.limiter.acquire(1, new AbortController().signal);
    slot.failed({ overloaded: false, waitMs: 600_000 });
    await until(() => second.limiter.closedForMs > 0);
    expect(second.limiter.closedForMs).toBeGreaterThan(500_000);
  });

  test('to one process is heard by all: too much', async () => {
    const { callers } = together(2, { concurrency: 64 });
    const [first, second] = callers as [Caller, Caller];
    const never = new AbortController().signal;
    const held = [await second.limiter.acquire(1, never), await second.limiter.acquire(1, never), await first.limiter.acquire(1, never)];
    const slot = await first.limiter.acquire(1, never);
    await until(() => second.limiter.currentConcurrency === 32 && first.limiter.currentConcurrency === 32);
    slot.failed({ overloaded: true });
    expect(first.limiter.currentConcurrency).toBe(16);
    await until(() => second.limiter.currentConcurrency < 32);
    expect(second.limiter.currentConcurrency).toBe(16);
    for (const each of held) each.succeeded();
  });
});

describe('latency', () => {
  /** The clock of the limiters runs faster, so that a call of some milliseconds counts as one of seconds. */
  const HASTE = 200;

  test('that one process watches lowers the requests of all, for a trial and after it', async () => {
    let free = 8;
    const line: (() => void)[] = [];
    const enter = async (): Promise<void> => {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => line.push(resolve));
    };
    const leave = (): void => {
      const next = line.shift();
      if (next === undefined) free++;
      else next();
    };
    const stopping = new AbortController();
    setMaxListeners(0, stopping.signal);
    const callers = [new Caller({ concurrency: 1 }), new Caller({ concurrency: 1 })]; // for their connections
    const limiters = callers.map(({ link }) => {
      const { joinShare } = redisSharing(link, { everyMs: EVERY_MS, leaseMs: LEASE_MS }).ties(`queue ${endpoint}`);
      return new EndpointLimiter({
        concurrency: 48,
        now: () => HASTE * performance.now(),
        joinShare: (member) => {
          const share = joinShare!(member);
          return Object.defineProperty(share, 'settleMs', { value: HASTE * share.settleMs });
        },
      });
    });
    const lanes = limiters.flatMap((limiter) =>
      Array.from({ length: 48 }, async () => {
        for (;;) {
          const slot = await limiter.acquire(100, stopping.signal);
          await enter();
          await new Promise((resolve) => setTimeout(resolve, 8));
          leave();
          slot.succeeded(50);
        }
      }),
    );
    const parts = (): number[] => limiters.map(({ currentConcurrency }) => currentConcurrency);
    await until(() => parts().every((part) => part === 24));
    await until(() => parts().every((part) => part >= 1 && part <= 17));
    expect(parts()[0]! + parts()[1]!).toBeLessThanOrEqual(34);
    stopping.abort();
    await Promise.allSettled(lanes);
    await Promise.all(limiters.map(async (limiter) => await limiter.close()));
  });
});

describe('a process that is killed', () => {
  test('loses its part to the others when its lease is over, and not before', async () => {
    const spawned = [spawnCaller(), spawnCaller()] as const;
    const [first, second] = spawned;
    let most = 0;
    const watch = (): void => void (most = Math.max(most, first.inFlight() + second.inFlight()));
    first.onData(watch);
    second.onData(watch);
    await until(() => first.calls() > 100 && second.calls() > 100);
    expect(most).toBeLessThanOrEqual(8);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const callsThen = second.calls();
    let mostOfSecond = 0;
    second.onData(() => (mostOfSecond = Math.max(mostOfSecond, second.inFlight())));
    await until(() => mostOfSecond === 8);
    expect(second.calls()).toBeGreaterThan(callsThen);
    second.child.kill('SIGKILL');
    await once(second.child, 'exit');
  });

  function spawnCaller(): { readonly child: ChildProcess; inFlight(): number; calls(): number; onData(then: () => void): void } {
    const support = join(__dirname, '../../support');
    const child = spawn(
      process.execPath,
      ['-r', join(support, 'ts-hook.cjs'), join(support, 'limited-caller.ts'), redis.url, '8', String(EVERY_MS), String(LEASE_MS)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let inFlight = 0;
    let calls = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      for (const sign of chunk.toString()) {
        inFlight += sign === '+' ? 1 : -1;
        calls += sign === '+' ? 1 : 0;
      }
    });
    return { child, inFlight: () => inFlight, calls: () => calls, onData: (then) => void child.stdout.on('data', then) };
  }
});

describe('without Redis', () => {
  test('a process that alone cannot reach it stops by itself before its part is given away', async () => {
    const { callers, most } = together(2, { concurrency: 6 }, LEASE_MS / 5);
    const [first, second] = callers as [Caller, Caller];
    first.run(6);
    second.run(6);
    await until(() => first.inFlight === 3 && second.inFlight === 3);
    first.vanish();
    await until(() => second.inFlight === 6);
    expect(first.inFlight).toBe(0);
    expect(first.limiter.currentConcurrency).toBe(0);
    expect(most()).toBe(6);
    expect(warnings).toHaveLength(1);
  });

  test('all wait, and go on when it is back, even empty, without passing the limit', async () => {
    const { callers, now, most } = together(3, { concurrency: 6 });
    for (const caller of callers) caller.run(6);
    await until(() => now() === 6);
    await redis.kill();
    await until(() => now() === 0 && callers.every(({ limiter }) => limiter.currentConcurrency === 0));
    await redis.restart();
    await until(() => now() === 6);
    expect(most()).toBe(6);
  });

  test('a Redis that comes back empty at once does not make them pass the limit', async () => {
    const { callers, now, most } = together(2, { concurrency: 6 });
    for (const caller of callers) caller.run(6);
    await until(() => now() === 6);
    await redis.kill();
    await redis.restart();
    const newcomer = new Caller({ concurrency: 6 }, () => undefined);
    let mostWithNewcomer = 0;
    newcomer.run(6);
    await until(() => {
      mostWithNewcomer = Math.max(mostWithNewcomer, now() + newcomer.inFlight);
      return newcomer.inFlight === 2 && now() === 4;
    });
    expect(mostWithNewcomer).toBe(6);
    expect(most()).toBe(6);
  });
});

describe('a minute', () => {
  test('gives what is left of it, though more was asked for, and nothing after that', async () => {
    const link = new RedisLink(redis.url, { info: () => undefined, warn: (what: unknown) => warnings.push(what) });
    const [first, second] = [
      new RedisMinutePoints(link, `minute ${endpoint}`, 100),
      new RedisMinutePoints(link, `minute ${endpoint}`, 100),
    ];
    expect((await first.take(80)).granted).toBe(80);
    expect((await second.take(50)).granted).toBe(20);
    expect(await first.take(1)).toMatchObject({ granted: 0, endsInMs: expect.any(Number) as number });
    second.configure(110);
    expect((await second.take(50)).granted).toBe(10);
    link.close();
  });

  test('sees no more requests of all processes than allowed, and all of them', async () => {
    const { callers } = together(3, { concurrency: 100, requestsPerMinute: 90 });
    for (const caller of callers) caller.run(30);
    const total = (): number => callers.reduce((sum, { calls }) => sum + calls, 0);
    await until(() => total() === 90);
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    expect(total()).toBe(90);
  });
});
