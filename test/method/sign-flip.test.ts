import fc from 'fast-check';
import { holm } from '../../method/paired-comparison';
import type { PairedTask } from '../../method/paired-tasks';
import { createRandom } from '../../method/random';
import { signFlipTest } from '../../method/sign-flip';

const options = { name: 'a task', seed: 7 };
const many = (count: number, make: (index: number) => number): number[] => Array.from({ length: count }, (_, index) => make(index));
const flip = (differences: readonly number[], more: Partial<PairedTask> = {}): ReturnType<typeof signFlipTest> =>
  signFlipTest([{ differences, scale: 1, ...more }], options);

test.each([
  ['five equal differences', [0.3, 0.3, 0.3, 0.3, 0.3]],
  ['five differences that are equal but for their last digits', [2.3 - 2, 1.3 - 1, 0.3, 4.3 - 4, 3.3 - 3]],
  ['five unequal differences of one sign', [0.31, 0.12, 0.55, 0.2, 0.27]],
  ['five huge ones', many(5, (index) => -1e9 * (1 + index))],
])('%s cannot be told from chance: p is 2 of 32 outcomes', (_, differences) => {
  expect(flip(differences)).toEqual({ p: expect.closeTo(0.0625, 12) as number, exact: true });
});

test('a single document says nothing, and neither do documents that did not change', () => {
  expect(flip([7])).toEqual({ p: 1, exact: true });
  expect(flip(many(50, () => 0))).toEqual({ p: 1, exact: true });
  expect(flip([0.5, -0.5])).toEqual({ p: 1, exact: true });
});

test('right and wrong answers are counted exactly however many there are: the sign test', () => {
  // scipy.stats.binomtest(1, 11).pvalue, binomtest(40, 100).pvalue, binomtest(2300, 5000).pvalue
  expect(flip([...many(10, () => -1), 1, 0, 0]).p).toBeCloseTo(0.01171875, 12);
  expect(flip(many(100, (index) => (index < 40 ? 1 : -1))).p).toBeCloseTo(0.05688793364098077, 10);
  const large = flip(many(12_000, (index) => (index < 2_300 ? 1 : index < 5_000 ? -1 : 0)));
  expect(large.exact).toBe(true);
  expect(large.p / 1.6458781103442848e-8).toBeCloseTo(1, 6);
});

test('a p goes far enough down for a correction over a whole table to find what is there', () => {
  const { p } = flip(many(300, (index) => (index % 5 === 0 ? -1 : 0)));
  expect(p).toBeCloseTo(2 ** -59, 25);
  expect(holm([p, ...many(100, () => 0.5)])[0]).toBeLessThan(1e-15);
});

test('where there are too many outcomes some are drawn, and p is near the exact one and never 0', () => {
  const random = createRandom(2);
  const differences = many(16, () => random.below(1_000) / 1_000 - 0.35);
  const exact = flip(differences);
  const drawn = signFlipTest([{ differences, scale: 1 }], { ...options, outcomes: 1 });
  expect([exact.exact, drawn.exact]).toEqual([true, false]);
  expect(Math.abs(drawn.p - exact.p)).toBeLessThan(5 * Math.sqrt((exact.p * (1 - exact.p)) / 99_999));
  const clear = signFlipTest([{ differences: many(60, (index) => 1 + index / 60), scale: 1 }], options);
  expect(clear).toEqual({ p: 1 / 100_000, exact: false });
  expect(signFlipTest([{ differences: many(60, (index) => 1 + index / 60), scale: 1 }], { ...options, draws: 999 }).p).toBe(1 / 1_000);
});

test('it is wrong no oftener than its level says', () => {
  const random = createRandom(9);
  let wrong = 0;
  for (let trial = 0; trial < 1_000; trial++) {
    if (flip(many(8, () => random.below(2_001) - 1_000)).p <= 0.05) wrong++;
  }
  // 1,000 x 0.05 and three standard deviations.
  expect(wrong).toBeLessThan(71);
  expect(wrong).toBeGreaterThan(15);
});

test('neither the order of documents, nor the scale, nor the side changes p', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 10 }), (differences) => {
      const { p } = flip(differences);
      expect(flip(differences.toReversed()).p).toBeCloseTo(p, 12);
      expect(flip(differences, { scale: 1e-7 }).p).toBeCloseTo(p, 12);
      expect(flip(differences.map((each) => -each)).p).toBeCloseTo(p, 12);
      expect(p).toBeGreaterThanOrEqual(2 ** (1 - differences.length));
      expect(p).toBeLessThanOrEqual(1);
    }),
  );
});

test('a document counts by its weight, and a task as much as another', () => {
  // The heavy document decides the sign of the sum: half of all outcomes are as far from 0 as this one, or farther.
  expect(flip([1, 1, 1], { weights: [100, 1, 1] }).p).toBeCloseTo(0.25, 12);
  expect(flip([1, -1, -1], { weights: [100, 1, 1] }).p).toBeCloseTo(1, 12);
  const tasks: PairedTask[] = [
    { differences: many(1_000, () => 0), scale: 1 },
    { differences: [-1, -1, -1], scale: 1 },
  ];
  expect(signFlipTest(tasks, options).p).toBeCloseTo(0.25, 12);
});

test('without documents there is nothing to compare', () => {
  expect(() => signFlipTest([], options)).toThrow('a task has nothing to compare');
  expect(() => flip([])).toThrow('a task has nothing to compare');
});
