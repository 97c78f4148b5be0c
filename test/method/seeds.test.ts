import fc from 'fast-check';
import { deriveSeed, type SeedParts } from '../../method/seeds';

const first: SeedParts = { runSeed: 42, stage: 'extract', itemIndex: 0, sample: 0, attempt: 1 };

describe('a seed', () => {
  it('is the same on every machine and in every version', () => {
    expect([
      deriveSeed(first),
      deriveSeed({ ...first, itemIndex: 1 }),
      deriveSeed({ ...first, itemIndex: 99_999 }),
      deriveSeed({ ...first, stage: 'respond:qwen2', sample: 2 }),
    ]).toEqual([909_512_482, 1_532_851_824, 344_107_605, 1_595_568_414]);
  });

  it('is never shared by two items of one stage', () => {
    const seeds = new Set(Array.from({ length: 100_000 }, (_, itemIndex) => deriveSeed({ ...first, itemIndex })));
    expect(seeds.size).toBe(100_000);
  });

  it('is another for another run, stage, sample or try', () => {
    const others: Partial<SeedParts>[] = [
      { runSeed: 43 },
      { runSeed: -42 },
      { stage: 'extracs' },
      { stage: 'respond:a' },
      { sample: 1 },
      { attempt: 2 },
    ];
    const seeds = [first, ...others.map((change) => ({ ...first, ...change }))].map(deriveSeed);
    expect(new Set(seeds).size).toBe(seeds.length);
  });

  it('does not confuse parts that read alike when joined', () => {
    expect(deriveSeed({ ...first, sample: 1, attempt: 11 })).not.toBe(deriveSeed({ ...first, sample: 11, attempt: 1 }));
  });

  it('is a whole number below 2^31 for all parts', () => {
    const index = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.string(), index, index, index, (runSeed, stage, itemIndex, sample, attempt) => {
        const seed = deriveSeed({ runSeed, stage, itemIndex, sample, attempt });
        expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31).toBe(true);
      }),
    );
  });

  it('spreads evenly: each of 31 bits is set in half the seeds of consecutive items', () => {
    const count = 20_000;
    const ones = new Array<number>(31).fill(0);
    for (let itemIndex = 0; itemIndex < count; itemIndex++) {
      const seed = deriveSeed({ ...first, itemIndex });
      for (let bit = 0; bit < 31; bit++) ones[bit]! += (seed >>> bit) & 1;
    }
    // Five standard deviations of a fair coin: 5 * sqrt(20000) / 2.
    for (const set of ones) expect(Math.abs(set - count / 2)).toBeLessThan(354);
  });

  it('falls evenly into 64 bins of its range for consecutive items, tries and samples', () => {
    const variants: ((index: number) => SeedParts)[] = [
      (itemIndex) => ({ ...first, itemIndex }),
      (attempt) => ({ ...first, attempt }),
      (sample) => ({ ...first, sample }),
    ];
    for (const parts of variants) {
      const bins = new Array<number>(64).fill(0);
      for (let index = 0; index < 6_400; index++) bins[deriveSeed(parts(index)) >>> 25]! += 1;
      const chiSquare = bins.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
      // 63 degrees of freedom: above 120 has a probability below 2e-5.
      expect(chiSquare).toBeLessThan(120);
    }
  });

  it.each([{ runSeed: 1.5 }, { itemIndex: -1 }, { itemIndex: 2 ** 31 }, { sample: 0.5 }, { attempt: Number.NaN }])(
    'is refused for %j',
    (change) => {
      expect(() => deriveSeed({ ...first, ...change })).toThrow(`${Object.keys(change)[0]} is`);
    },
  );
});
