import fc from 'fast-check';
import { comparePaired, holm, smallestChange, verdictOf } from '../../method/paired-comparison';
import type { PairedTask } from '../../method/paired-tasks';
import { createRandom } from '../../method/random';

const options = { name: 'a task', seed: 7 };
const many = (count: number, make: (index: number) => number): number[] => Array.from({ length: count }, (_, index) => make(index));

describe('what is said of a difference', () => {
  test('of fewer than twenty documents nothing is, however clear they seem', () => {
    const five = comparePaired([{ differences: [0.31, 0.12, 0.55, 0.2, 0.27], weights: [9, 30, 20, 7, 9], scale: 1 }], options);
    expect(five).toMatchObject({ p: 0.0625, exact: true, documents: 5 });
    expect(verdictOf(five, five.p)).toBe('too few to say');
    const nineteen = comparePaired([{ differences: many(19, () => -1), scale: 100 }], options);
    expect(verdictOf(nineteen, nineteen.p)).toBe('too few to say');
    const twenty = comparePaired([{ differences: many(20, () => -1), scale: 100 }], options);
    expect(verdictOf(twenty, twenty.p)).toBe('differs');
  });

  test('an average rests on its smallest task', () => {
    const tasks = [500, 3].map((count): PairedTask => ({ differences: many(count, () => -1), scale: 100 }));
    expect(verdictOf(comparePaired(tasks, options), 1e-6)).toBe('too few to say');
  });

  test('without a small corrected p no difference was seen', () => {
    expect(verdictOf({ documents: 1_000 }, 0.05)).toBe('no difference seen');
    expect(verdictOf({ documents: 1_000 }, 0.0499)).toBe('differs');
  });
});

describe('the smallest change that would have been seen', () => {
  test('is 2.8 standard errors where a single comparison is made, and more for one of many', () => {
    const differences = many(400, (index) => (index % 2 === 0 ? 1 : -1) * (1 + (index % 7) / 7));
    const mean = differences.reduce((sum, each) => sum + each, 0) / 400;
    const error = Math.sqrt(differences.reduce((sum, each) => sum + (each - mean) ** 2, 0) / 399 / 400);
    expect(smallestChange([{ differences, scale: 1 }], 1)).toBeCloseTo((1.959964 + 0.841621) * error, 5);
    // Level 0.05 / 24: the quantile of 1 - 0.05 / 48.
    expect(smallestChange([{ differences, scale: 1 }], 24)).toBeCloseTo((3.078088 + 0.841621) * error, 5);
  });

  test('is found four times out of five', () => {
    const random = createRandom(5);
    const noise = (): number => random.below(2_001) / 1_000 - 1;
    const trials = 200;
    let found = 0;
    for (let trial = 0; trial < trials; trial++) {
      const noises = many(30, noise);
      const task = { differences: noises, scale: 1 };
      const shift = smallestChange([task], 1)!;
      // The true change, not the one of the sample: the noise has no mean of its own.
      const differences = noises.map((each) => each + shift);
      if (comparePaired([{ differences, scale: 1 }], { name: String(trial), seed: 1 }).p < 0.05) found++;
    }
    expect(found / trials).toBeGreaterThan(0.7);
    expect(found / trials).toBeLessThan(0.9);
  });

  test('of right and wrong answers is never less than what so many documents on one side make', () => {
    // No document changed: 2 x 2^-6 is the first p below 0.05, so six of 24 have to change; of a family of 24 comparisons ten.
    const unchanged: PairedTask = { differences: many(24, () => 0), scale: 100, unit: 1 };
    expect(smallestChange([unchanged], 1)).toBeCloseTo(25, 10);
    expect(smallestChange([unchanged], 24)).toBeCloseTo((100 * 10) / 24, 10);
  });

  test('is unknown where no change would have been seen, or nothing tells how documents spread', () => {
    expect(smallestChange([{ differences: many(5, (index) => index), scale: 1 }], 1)).toBeNull();
    expect(smallestChange([{ differences: many(40, () => 0), scale: 1 }], 1)).toBeNull();
    expect(smallestChange([{ differences: [1], scale: 1, unit: 1 }], 1)).toBeNull();
  });
});

describe('holm', () => {
  test("agrees with the worked example of R's p.adjust", () => {
    expect(holm([0.01, 0.04, 0.03, 0.005]).map((p) => Number(p.toFixed(6)))).toEqual([0.03, 0.06, 0.06, 0.02]);
  });

  test('never makes a p value smaller, keeps their order, and stays below 1', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), (pValues) => {
        const adjusted = holm(pValues);
        adjusted.forEach((p, index) => {
          expect(p).toBeGreaterThanOrEqual(pValues[index]!);
          expect(p).toBeLessThanOrEqual(1);
        });
        const order = pValues.map((p, index) => ({ p, adjusted: adjusted[index]! })).sort((a, b) => a.p - b.p);
        order.forEach((each, rank) => expect(each.adjusted).toBeGreaterThanOrEqual(order[rank - 1]?.adjusted ?? 0));
      }),
    );
  });
});
