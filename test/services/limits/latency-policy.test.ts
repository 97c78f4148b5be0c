import { LatencyPolicy } from '../../../services/limits/latency-policy';
import { logNormal, seeded, simulate, type SimulatedServer, type SimulationResult } from '../../support/simulated-server';

type Make = (random: () => number) => SimulatedServer;

/** Lengths of replies as they come: many short, few long. */
const lengths = (random: () => number, mean: number): number => 20 - mean * Math.log(1 - random());

interface Setting {
  readonly max: number;
  readonly requests: number;
  readonly seed?: number;
  readonly demand?: number;
}

function fixed(make: Make, limit: number, { requests, demand, seed = 1 }: Omit<Setting, 'max'>): SimulationResult {
  return simulate(make(seeded(seed)), { limit: () => limit, requests, demand });
}

function adaptive(
  make: Make,
  { max, requests, demand, seed = 1 }: Setting,
): SimulationResult & { readonly limit: number; readonly limits: readonly number[] } {
  const policy = new LatencyPolicy({ max });
  const limits: number[] = [];
  const result = simulate(make(seeded(seed)), {
    limit: () => policy.current,
    observe(sample) {
      policy.observe(sample);
      limits.push(policy.current);
    },
    requests,
    demand,
  });
  return { ...result, limit: policy.current, limits };
}

/** 64 at once; a fuller batch slows each a little. */
const batchOf64: Make = (random) => ({ batch: 64, stepMs: 20, stepMsPerRequest: 0.2, tokens: () => lengths(random, 200) });
/** Has room for all that is sent; its network is noisy. */
const roomy =
  (noise: number): Make =>
  (random) => ({
    batch: 256,
    stepMs: 20,
    stepMsPerRequest: 0.05,
    tokens: () => lengths(random, 200),
    noise: () => logNormal(random, noise),
  });

describe('on a server that queues', () => {
  test.each([1, 2, 3])('it settles near the size of the batch, keeps the throughput and sheds the queue (seed %i)', (seed) => {
    const setting = { max: 256, requests: 8_000, seed };
    const best = fixed(batchOf64, 64, setting);
    const most = fixed(batchOf64, 256, setting);
    const found = adaptive(batchOf64, setting);
    expect(found.limit).toBeGreaterThanOrEqual(40);
    expect(found.limit).toBeLessThanOrEqual(128);
    expect(found.tokensPerSecond).toBeGreaterThan(0.95 * best.tokensPerSecond);
    expect(found.p95Ms).toBeLessThan(0.6 * most.p95Ms);
  });

  test('it finds the way down from far too many, in a few passes', () => {
    const setting = { max: 1_000, requests: 20_000 };
    const found = adaptive(batchOf64, setting);
    expect(found.limits.slice(12_000).every((limit) => limit < 300)).toBe(true);
    expect(found.tokensPerSecond).toBeGreaterThan(0.93 * fixed(batchOf64, 1_000, setting).tokensPerSecond);
  });

  test('it goes up again when the server has become larger', () => {
    let batch = 32;
    const growing: Make = (random) => {
      const server = { stepMs: 20, stepMsPerRequest: 0.05, tokens: () => lengths(random, 200) };
      return {
        ...server,
        get batch() {
          return batch;
        },
      };
    };
    const policy = new LatencyPolicy({ max: 128 });
    let answered = 0;
    let before = 0;
    simulate(growing(seeded(1)), {
      limit: () => policy.current,
      observe(sample) {
        policy.observe(sample);
        if (++answered === 10_000) {
          before = policy.current;
          batch = 128;
        }
      },
      requests: 40_000,
    });
    expect(before).toBeLessThan(64);
    expect(policy.current).toBeGreaterThan(90);
  });
});

describe('on a healthy server', () => {
  test.each([
    [0.3, 1],
    [0.6, 1],
    [0.6, 2],
    [1.2, 1],
    [1.2, 2],
  ])('noise in the latency costs no throughput (sigma %f, seed %i)', (noise, seed) => {
    const setting = { max: 64, requests: 8_000, seed };
    const found = adaptive(roomy(noise), setting);
    expect(found.tokensPerSecond).toBeGreaterThan(0.95 * fixed(roomy(noise), 64, setting).tokensPerSecond);
    expect(found.limit).toBeGreaterThanOrEqual(44);
  });

  test('longer replies are no queue', () => {
    const longer: Make = (random) => ({
      ...roomy(0.3)(random),
      tokens: (number) => (number < 4_000 ? lengths(random, 40) : lengths(random, 800)),
    });
    const setting = { max: 64, requests: 8_000 };
    const found = adaptive(longer, setting);
    expect(found.tokensPerSecond).toBeGreaterThan(0.95 * fixed(longer, 64, setting).tokensPerSecond);
    expect(found.limit).toBe(64);
  });

  test('other users who come and go cost little throughput', () => {
    const shared: Make = (random) => ({
      ...roomy(0.1)(random),
      slowdown: (ms) => 1 + 0.8 * Math.sin(ms / 40_000) + (Math.sin(ms / 7_000) > 0.5 ? 1 : 0),
    });
    const setting = { max: 64, requests: 16_000 };
    expect(adaptive(shared, setting).tokensPerSecond).toBeGreaterThan(0.9 * fixed(shared, 64, setting).tokensPerSecond);
  });

  test('a demand below the limit changes nothing', () => {
    const setting = { max: 64, requests: 6_000, demand: 20 };
    expect(adaptive(roomy(0.3), setting).tokensPerSecond).toBeGreaterThan(0.95 * fixed(roomy(0.3), 64, setting).tokensPerSecond);
  });

  test('with as few requests as in the demo nothing is ever tried', () => {
    const llama: Make = (random) => ({ batch: 8, stepMs: 10, stepMsPerRequest: 2, tokens: () => lengths(random, 60) });
    const setting = { max: 8, requests: 2_000 };
    const found = adaptive(llama, setting);
    expect(new Set(found.limits)).toEqual(new Set([8]));
    expect(found.tokensPerSecond).toBe(fixed(llama, 8, setting).tokensPerSecond);
  });

  test('fast replies are never measured by lowering the limit', () => {
    const fast: Make = () => ({ batch: 16, stepMs: 5, stepMsPerRequest: 0, tokens: () => 10 });
    expect(new Set(adaptive(fast, { max: 64, requests: 20_000 }).limits)).toEqual(new Set([64]));
  });
});

test('a new configured limit holds at once, and does not lift what was found to be enough', () => {
  const policy = new LatencyPolicy({ max: 32 });
  policy.configure(64, 0);
  expect(policy.current).toBe(64);
  policy.configure(8, 0);
  expect(policy.current).toBe(8);
  policy.adopt(5, 0);
  policy.configure(64, 0);
  expect(policy.current).toBe(5);
});

test('the limit never leaves the range from a few to the configured one', () => {
  const single: Make = (random) => ({ batch: 1, stepMs: 20, stepMsPerRequest: 0, tokens: () => lengths(random, 100) });
  const { limits } = adaptive(single, { max: 24, requests: 6_000 });
  expect(Math.min(...limits)).toBe(8);
  expect(Math.max(...limits)).toBe(24);
  expect(limits.at(-1)).toBeLessThanOrEqual(12);
});
