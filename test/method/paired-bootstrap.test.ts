import { bootstrapDifference } from '../../method/paired-bootstrap';
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
    expect(first.high! - first.low!).toBeCloseTo(2 * 1.96 * 100 * Math.sqrt(variance / 200), -0.3);
  });

  test('lies beside 0 where something is there, and around it where nothing is', () => {
    const harmed = bootstrapDifference(
      [{ differences: Array.from({ length: 300 }, (_, index) => (index % 5 === 0 ? -1 : 0)), scale: 100 }],
      options,
    );
    expect(harmed.high).toBeLessThan(0);
    const even = bootstrapDifference(
      [{ differences: Array.from({ length: 300 }, (_, index) => [1, -1, 0][index % 3]!), scale: 100 }],
      options,
    );
    expect(even.low).toBeLessThan(0);
    expect(even.high).toBeGreaterThan(0);
  });

  test('there is no interval where no two documents differ, not even by the last digits of their losses', () => {
    const differences = [2.3 - 2, 1.3 - 1, 0.3, 4.3 - 4, 3.3 - 3];
    expect(bootstrapDifference([{ differences, weights: [10, 30, 20, 7, 9], scale: 1 }], options)).toEqual({
      value: expect.closeTo(0.3, 12) as number,
      low: null,
      high: null,
    });
    expect(bootstrapDifference([{ differences: [0.5], scale: 1 }], options)).toEqual({ value: 0.5, low: null, high: null });
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
      if (low! <= -10 && -10 <= high!) covered++;
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
    expect(low).toBeGreaterThanOrEqual(0);
    expect(high).toBeGreaterThan(0.5);
    const even = { differences: [0.5, -0.25, 1, 0], scale: 2 };
    expect(bootstrapDifference([{ ...even, weights: [3, 3, 3, 3] }], options)).toEqual(bootstrapDifference([even], options));
  });

  test('without documents there is nothing to compare', () => {
    expect(() => bootstrapDifference([], options)).toThrow('a task has nothing to compare');
    expect(() => bootstrapDifference([{ differences: [], scale: 1 }], options)).toThrow('a task has nothing to compare');
  });
});
