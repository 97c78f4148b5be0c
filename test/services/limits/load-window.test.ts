import { LoadWindow, replyKind } from '../../../services/limits/load-window';

function windowOf(calls: readonly (readonly [kind: number, ms: number])[]): LoadWindow {
  const window = new LoadWindow();
  for (const [kind, ms] of calls) window.add(kind, ms, 4);
  return window;
}

const spread = [900, 950, 1_000, 1_050, 1_100, 980, 1_020];

test('a change is the logarithm of the factor, with an error that tells the spread', () => {
  const before = windowOf(spread.map((ms) => [1, ms]));
  const { change, error } = before.changeTo(windowOf(spread.map((ms) => [1, 2 * ms])));
  expect(change).toBeCloseTo(Math.log(2), 5);
  expect(error).toBeGreaterThan(0.02);
  expect(error).toBeLessThan(0.06);
});

test('more calls of a slow kind are no change', () => {
  const quick = spread.map((ms) => [1, ms] as const);
  const slow = spread.map((ms) => [2, 10 * ms] as const);
  const few = windowOf([...quick, ...quick, ...slow]);
  const many = windowOf([...quick, ...slow, ...slow]);
  expect(few.changeTo(many).change).toBeCloseTo(0, 5);
  expect(many.meanMs).toBeGreaterThan(1.4 * few.meanMs);
});

test('kinds that only one of them has say nothing', () => {
  expect(windowOf(spread.map((ms) => [1, ms])).changeTo(windowOf(spread.map((ms) => [2, ms]))).error).toBe(Number.POSITIVE_INFINITY);
});

test('replies of one kind have lengths within half an octave', () => {
  expect(replyKind(100, 500)).toBe(replyKind(105, 510));
  expect(replyKind(100, 500)).not.toBe(replyKind(200, 500));
  expect(replyKind(100, 500)).not.toBe(replyKind(100, 2_000));
});
