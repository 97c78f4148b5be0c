import fc from 'fast-check';
import { afterOverload, afterSuccess, type ConcurrencyState } from '../../../services/limits/limiter-policy';

const MAX = 16;

function succeedTimes(state: ConcurrencyState, times: number): ConcurrencyState {
  for (let i = 0; i < times; i++) state = afterSuccess(state, MAX);
  return state;
}

test('an overload halves the limit and notes its time', () => {
  expect(afterOverload({ limit: 16, lastCutMs: -1 }, 100, 250)).toEqual({ limit: 8, lastCutMs: 250 });
});

test('a failure of a request that began before the last cut belongs to the burst that was answered', () => {
  const state = { limit: 8, lastCutMs: 250 };
  expect(afterOverload(state, 249, 300)).toBe(state);
  expect(afterOverload(state, 250, 300)).toBe(state);
  expect(afterOverload(state, 251, 300)).toEqual({ limit: 4, lastCutMs: 300 });
});

test('the limit never falls below one', () => {
  let state: ConcurrencyState = { limit: 16, lastCutMs: -1 };
  for (let now = 1; now < 20; now++) state = afterOverload(state, now * 10, now * 10 + 5);
  expect(state.limit).toBe(1);
});

test('a round of successes gives about one slot more, and no more than one', () => {
  const state = succeedTimes({ limit: 4, lastCutMs: 0 }, 4);
  expect(state.limit).toBeGreaterThan(4.5);
  expect(state.limit).toBeLessThanOrEqual(5);
});

test('at the configured limit a success changes nothing', () => {
  const state = { limit: MAX, lastCutMs: 5 };
  expect(afterSuccess(state, MAX)).toBe(state);
});

test('whatever happens, the limit stays between one and the configured one', () => {
  const events = fc.array(fc.record({ success: fc.boolean(), startMs: fc.nat(1_000), nowMs: fc.nat(2_000) }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), events, (max, all) => {
      let state: ConcurrencyState = { limit: max, lastCutMs: -1 };
      for (const { success, startMs, nowMs } of all) {
        state = success ? afterSuccess(state, max) : afterOverload(state, startMs, startMs + nowMs);
        expect(state.limit).toBeGreaterThanOrEqual(1);
        expect(state.limit).toBeLessThanOrEqual(max);
      }
    }),
  );
});
