import { fitIntoSeconds } from '../../bench/session/cast';

const recorded = (...events: readonly (readonly [number, string])[]): string =>
  [{ version: 2, width: 100, height: 30 }, ...events.map(([at, text]) => [at, 'o', text])].map((line) => JSON.stringify(line)).join('\n');

test('a recording that takes too long is played faster, and loses nothing of what was written', () => {
  const { cast, tookMs } = fitIntoSeconds(recorded([0, 'a'], [0.4, 'b'], [100, 'c'], [200, 'd']), 20);
  expect(tookMs).toBe(200_000);
  expect(cast).toEqual({
    header: { version: 2, width: 100, height: 30 },
    events: [
      [0, 'o', 'ab'],
      [10, 'o', 'c'],
      [20, 'o', 'd'],
    ],
  });
});

test('a short one is played as it was', () => {
  const { events } = fitIntoSeconds(recorded([0, 'a'], [3.5, 'b']), 20).cast;
  expect(events).toEqual([
    [0, 'o', 'a'],
    [3.5, 'o', 'b'],
  ]);
});
