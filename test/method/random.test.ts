import fc from 'fast-check';
import { createRandom, shuffled } from '../../method/random';

describe('the random stream', () => {
  it('repeats for a seed and differs between seeds, also in the high half of a large one', () => {
    const draw = (seed: number): number[] => {
      const random = createRandom(seed);
      return Array.from({ length: 20 }, () => random.below(1_000_000));
    };
    expect(draw(7)).toEqual(draw(7));
    expect(new Set([7, 8, -7, 7 + 2 ** 32, 7 + 2 ** 33].map((seed) => draw(seed).join())).size).toBe(5);
  });

  it('is uniform below its bound, for bounds that do not divide 2^32', () => {
    for (const bound of [3, 10, 100]) {
      const random = createRandom(1);
      const counts = new Array<number>(bound).fill(0);
      for (let i = 0; i < bound * 1_000; i++) counts[random.below(bound)]! += 1;
      const chiSquare = counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
      // Mean bound - 1, deviation sqrt(2 (bound - 1)): five deviations above, and room for few degrees of freedom.
      expect(chiSquare).toBeLessThan(bound - 1 + 5 * Math.sqrt(2 * (bound - 1)) + 8);
    }
  });

  it.each([0, -1, 1.5, 2 ** 33, Number.NaN])('refuses the bound %d', (bound) => {
    expect(() => createRandom(1).below(bound)).toThrow('the bound is');
  });

  it('refuses a seed that is no whole number', () => {
    expect(() => createRandom(0.5)).toThrow('the seed is 0.5');
  });
});

describe('a shuffle', () => {
  it('keeps every item once and leaves its input alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
        const copy = [...items];
        expect(shuffled(items, createRandom(seed)).sort((a, b) => a - b)).toEqual(copy.toSorted((a, b) => a - b));
        expect(items).toEqual(copy);
      }),
    );
  });

  it('gives each of the six orders of three items equally often', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 6_000; seed++) {
      const order = shuffled(['a', 'b', 'c'], createRandom(seed)).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // Five standard deviations: 5 * sqrt(6000 * 1/6 * 5/6).
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(145);
  });
});
