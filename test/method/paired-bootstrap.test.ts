import fc from 'fast-check';
import { adjustForChance } from '../../method/forgetting';
import { bootstrapDifference, holm } from '../../method/paired-bootstrap';
import { createRandom } from '../../method/random';

const options = { name: 'a task', seed: 7 };

describe('bootstrapDifference', () => {
  test('has an interval around the mean difference, the same for the same seed', () => {
    const differences = Array.from({ length: 200 }, (_, index): number => (index % 10 === 0 ? -1 : index % 25 === 1 ? 1 : 0));
    const first = bootstrapDifference([{ differences, scale: 100 }], options);
    expect(first.value).toBeCloseTo(-6, 10);
    expect(first.low).toBeLessThan(first.value);
    expect(first.high).toBeGreaterThan(first.value);
    expect(bootstrapDifference([{ differences, scale: 100 }], options)).toEqual(first);
    // The normal approximation: 1.96 standard errors.
    const variance = differences.reduce((sum, each) => sum + (each + 0.06) ** 2, 0) / 200;
    expect(first.high - first.low).toBeCloseTo(2 * 1.96 * 100 * Math.sqrt(variance / 200), -0.3);
  });

  test('finds what is there and not what is not', () => {
    const harmed = bootstrapDifference(
      [{ differences: Array.from({ length: 300 }, (_, index) => (index % 5 === 0 ? -1 : 0)), scale: 100 }],
      options,
    );
    expect(harmed.p).toBeLessThan(0.01);
    expect(harmed.high).toBeLessThan(0);
    const even = bootstrapDifference(
      [{ differences: Array.from({ length: 300 }, (_, index) => [1, -1, 0][index % 3]!), scale: 100 }],
      options,
    );
    expect(even.p).toBeGreaterThan(0.5);
    expect(even.low).toBeLessThan(0);
    expect(even.high).toBeGreaterThan(0);
  });

  test('p values go far enough down for a correction over a whole table to find what is there', () => {
    // 60 of 300 lost: 8.6 standard errors.
    const differences = Array.from({ length: 300 }, (_, index) => (index % 5 === 0 ? -1 : 0));
    const { p } = bootstrapDifference([{ differences, scale: 100 }], options);
    expect(p).toBeLessThan(1e-10);
    expect(holm([p, ...Array<number>(100).fill(0.5)])[0]).toBeLessThan(1e-8);
  });

  test('covers the true difference about as often as it says', () => {
    const random = createRandom(3);
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      // Right to wrong 20 %, wrong to right 10 %: the truth is -10 points.
      const differences = Array.from({ length: 120 }, () => {
        const draw = random.below(10);
        return draw < 2 ? -1 : draw < 3 ? 1 : 0;
      });
      const { low, high } = bootstrapDifference([{ differences, scale: 100 }], { name: `${trial}`, seed: 1, resamples: 300 });
      if (low <= -10 && -10 <= high) covered++;
    }
    expect(covered).toBeGreaterThan(178);
  });

  test('gives every task the same weight, whatever its number of documents', () => {
    const { value } = bootstrapDifference(
      [
        { differences: Array<number>(500).fill(0), scale: 100 },
        { differences: [-1, -1], scale: 100 },
      ],
      options,
    );
    expect(value).toBe(-50);
  });

  test('lets each document count by its weight', () => {
    const { value, low, high } = bootstrapDifference([{ differences: [1, 0, 0, 0], weights: [30, 10, 10, 10], scale: 1 }], options);
    expect(value).toBeCloseTo(0.5, 12);
    expect([low, high]).toEqual([0, expect.any(Number)]);
    const even = { differences: [0.5, -0.25, 1, 0], scale: 2 };
    expect(bootstrapDifference([{ ...even, weights: [3, 3, 3, 3] }], options)).toEqual(bootstrapDifference([even], options));
  });

  test('without documents there is nothing to compare', () => {
    expect(() => bootstrapDifference([], options)).toThrow('a task has nothing to compare');
    expect(() => bootstrapDifference([{ differences: [], scale: 1 }], options)).toThrow('a task has nothing to compare');
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

describe('adjustForChance', () => {
  test('two models that only guess have neither forgotten nor learned', () => {
    // 1,600 documents of 4 options: right on both sides 1/16, each change 3/16, wrong on both 9/16.
    const { forgotten, learned } = adjustForChance({ forgotten: 300, learned: 300, neverRight: 900 }, 0.25);
    expect(forgotten).toBeCloseTo(0, 10);
    expect(learned).toBeCloseTo(0, 10);
  });

  test('what was known and is now guessed counts in full', () => {
    // 400 known before: now guessed, 100 of them still right by luck.
    expect(adjustForChance({ forgotten: 300, learned: 0, neverRight: 0 }, 0.25).forgotten).toBeCloseTo(400, 10);
  });

  test('without options to guess among nothing changes', () => {
    expect(adjustForChance({ forgotten: 5, learned: 3, neverRight: 90 }, 0)).toEqual({ forgotten: 5, learned: 3 });
  });

  test('a chance that is none is refused', () => {
    expect(() => adjustForChance({ forgotten: 1, learned: 1, neverRight: 1 }, 1)).toThrow('the chance of guessing right is 1');
  });
});
