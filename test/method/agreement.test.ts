import fc from 'fast-check';
import { judgeAgreement, scoreHistogram, tieShare, winShares } from '../../method/agreement';
import { krippendorffAlpha, pearson, spearman } from '../../method/correlation';

/** One array a coder, as published tables have it, turned into one a unit. */
function unitsOf(coders: (number | null)[][]): (number | null)[][] {
  return coders[0]!.map((_, unit) => coders.map((coder) => coder[unit]!));
}

const o = null;

describe("Krippendorff's alpha", () => {
  it("is 0.849 on the interval data of Krippendorff's own paper of 2011, section D", () => {
    const result = krippendorffAlpha(
      unitsOf([
        [1, 2, 3, 3, 2, 1, 4, 1, 2, o, o, o],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, o, 3],
        [o, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, o],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, o],
      ]),
    );
    expect(result.alpha).toBeCloseTo(0.849, 3);
    expect(result).toMatchObject({ units: 11, values: 40 });
  });

  it('is 0.811 on the interval data of the much-cited example of three coders and fifteen units', () => {
    const result = krippendorffAlpha(
      unitsOf([
        [o, o, o, o, o, 3, 4, 1, 2, 1, 1, 3, 3, o, 3],
        [1, o, 2, 1, 3, 3, 4, 3, o, o, o, o, o, o, o],
        [o, o, 2, 1, 3, 4, 4, o, 2, 1, 1, 3, 3, o, 4],
      ]),
    );
    expect(result.alpha).toBeCloseTo(0.811, 3);
    expect(result).toMatchObject({ units: 12, values: 26 });
  });

  it('is what its definition gives when every pair is written out', () => {
    const value = fc.option(fc.integer({ min: 1, max: 5 }), { nil: null });
    fc.assert(
      fc.property(fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { minLength: 2, maxLength: 12 }), (units) => {
        const pairable = units.map((unit) => unit.filter((score) => score !== null)).filter(({ length }) => length >= 2);
        const all = pairable.flat();
        const pairs = (values: number[]): number =>
          values.reduce((sum, a) => sum + values.reduce((inner, b) => inner + (a - b) ** 2, 0), 0);
        const observed = pairable.reduce((sum, unit) => sum + pairs(unit) / (unit.length - 1), 0) / all.length;
        const expected = pairs(all) / (all.length * (all.length - 1));
        const { alpha } = krippendorffAlpha(units);
        const defined = all.length > 0 && expected > 0;
        expect(alpha === null).toBe(!defined);
        expect(alpha ?? 0).toBeCloseTo(defined ? 1 - observed / expected : 0, 9);
      }),
    );
  });

  it('does not change when all scores shift or stretch', () => {
    const units = [
      [1, 2],
      [3, 3],
      [5, 4],
      [2, o],
      [4, 4],
    ];
    const { alpha } = krippendorffAlpha(units);
    const moved = krippendorffAlpha(units.map((unit) => unit.map((score) => (score === null ? null : score * 10 + 1e6))));
    expect(moved.alpha).toBeCloseTo(alpha!, 6);
  });

  it('is 1 for full agreement and undefined, with the reason, where there is nothing to compare', () => {
    expect(
      krippendorffAlpha([
        [1, 1],
        [4, 4],
      ]).alpha,
    ).toBe(1);
    expect(
      krippendorffAlpha([
        [4, 4],
        [4, 4],
      ]),
    ).toEqual({ alpha: null, reason: 'all values are equal', units: 2, values: 4 });
    expect(
      krippendorffAlpha([
        [4, o],
        [o, 3],
      ]),
    ).toEqual({ alpha: null, reason: 'no unit has two values', units: 0, values: 0 });
    expect(krippendorffAlpha([])).toMatchObject({ alpha: null, units: 0 });
    expect(() => krippendorffAlpha([[1, Number.NaN]])).toThrow('a value is NaN');
  });
});

describe('correlations', () => {
  it('are those of a worked example', () => {
    // x: 1..5, y: 2 1 4 3 5; d^2 sums to 4, so rho = 1 - 6 * 4 / 120 = 0.8, and r equals rho without ties on 1..5.
    const pairs = [
      [1, 2],
      [2, 1],
      [3, 4],
      [4, 3],
      [5, 5],
    ] as const;
    expect(pearson(pairs)).toBeCloseTo(0.8, 12);
    expect(spearman(pairs)).toBeCloseTo(0.8, 12);
  });

  it('of ranks give ties their mean rank', () => {
    // Ranks 1.5 1.5 3 4 against 1 2 3.5 3.5: covariance 4, variances 4.5 and 4.5.
    expect(
      spearman([
        [1, 1],
        [1, 2],
        [2, 5],
        [9, 5],
      ]),
    ).toBeCloseTo(4 / 4.5, 12);
  });

  it('of ranks do not change under a monotone curve, unlike those of values', () => {
    const pairs = [
      [1, 1],
      [2, 8],
      [3, 27],
      [4, 64],
    ] as const;
    expect(spearman(pairs)).toBeCloseTo(1, 12);
    expect(pearson(pairs)!).toBeLessThan(0.98);
  });

  it('are undefined without variation or with a single pair', () => {
    expect(pearson([[1, 2]])).toBeNull();
    expect(
      pearson([
        [1, 2],
        [1, 3],
      ]),
    ).toBeNull();
    expect(
      spearman([
        [1, 2],
        [2, 2],
      ]),
    ).toBeNull();
    expect(spearman([])).toBeNull();
  });
});

describe('judges', () => {
  const means: { model: string; scores: Record<string, number> }[] = [
    { model: 'a', scores: { a: 5, b: 3, c: 3 } },
    { model: 'a', scores: { a: 5, b: 4, c: 4 } },
    { model: 'b', scores: { a: 3, b: 3 } },
    { model: 'b', scores: { a: 2, b: 2, c: 1 } },
  ];
  const agreement = judgeAgreement(means, ['a', 'b', 'c'], ['a', 'b']);

  it('are compared pair by pair over the responses that both scored', () => {
    expect(agreement.pairs.map(({ judges, responses, exact }) => [judges.join('-'), responses, exact])).toEqual([
      ['a-b', 4, 0.5],
      ['a-c', 3, 0],
      ['b-c', 3, 2 / 3],
    ]);
    expect(agreement.pairs[2]!.pearson).toBeCloseTo(
      pearson([
        [3, 3],
        [4, 4],
        [2, 1],
      ])!,
      12,
    );
  });

  it('are said to agree exactly on expected scores that round to the same rating', () => {
    const [pair] = judgeAgreement(
      [
        { model: 'a', scores: { a: 3.6, b: 4.4 } },
        { model: 'a', scores: { a: 3.4, b: 3.6 } },
      ],
      ['a', 'b'],
      ['a'],
    ).pairs;
    expect(pair!.exact).toBe(0.5);
  });

  it('have a mean for every generator, or none without a score', () => {
    expect(agreement.preferences).toContainEqual({ judge: 'a', generator: 'a', responses: 2, mean: 5 });
    expect(agreement.preferences).toContainEqual({ judge: 'c', generator: 'b', responses: 1, mean: 1 });
    expect(agreement.preferences).toHaveLength(6);
    expect(judgeAgreement([], ['a'], ['b']).preferences).toEqual([{ judge: 'a', generator: 'b', responses: 0, mean: null }]);
  });

  it('that prefer their own answers beyond their general leniency are found', () => {
    // a gives its own 5 where others give 3.5: 1.5 more; on b's answers it gives 0.25 more.
    expect(agreement.selfPreferences).toEqual([
      { judge: 'a', responses: 2, ownMean: 5, othersMean: 3.5, excess: 1.25 },
      { judge: 'b', responses: 2, ownMean: 2.5, othersMean: 2.25, excess: 0.25 - (3 - 4 + (4 - 4.5)) / 2 },
    ]);
  });

  it('agree by the alpha of all their scores', () => {
    expect(agreement.alpha).toEqual(
      krippendorffAlpha([
        [5, 3, 3],
        [5, 4, 4],
        [3, 3, o],
        [2, 2, 1],
      ]),
    );
  });
});

describe('the report of the selection', () => {
  it('counts the wins of each generator, the one without wins included', () => {
    expect(winShares(['a', 'b', 'a', 'a'], ['a', 'b', 'c'])).toEqual([
      { generator: 'a', wins: 3, share: 0.75 },
      { generator: 'b', wins: 1, share: 0.25 },
      { generator: 'c', wins: 0, share: 0 },
    ]);
    expect(winShares([], ['a'])).toEqual([{ generator: 'a', wins: 0, share: null }]);
    expect(() => winShares(['z'], ['a'])).toThrow('z won, but is none of the generators a');
  });

  it('tells how many winners shared their mean', () => {
    expect(tieShare([{ tied: true }, { tied: false }, { tied: false }, { tied: true }])).toBe(0.5);
    expect(tieShare([])).toBeNull();
  });

  it('counts scores in bins around the ratings, finer for means', () => {
    expect(scoreHistogram([1, 4, 4, 5]).map(({ count }) => count)).toEqual([1, 0, 0, 2, 1]);
    expect(scoreHistogram([4.2, 4.3, 5], 0.5)).toEqual([
      ...[1, 1.5, 2, 2.5, 3, 3.5].map((score) => ({ score, count: 0 })),
      { score: 4, count: 1 },
      { score: 4.5, count: 1 },
      { score: 5, count: 1 },
    ]);
    expect(() => scoreHistogram([6])).toThrow('a score is 6');
    expect(() => scoreHistogram([], 3)).toThrow('binWidth is 3');
    expect(() => scoreHistogram([], 0)).toThrow('binWidth is 0');
  });
});
