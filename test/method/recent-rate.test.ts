import { RecentRate } from '../../method/recent-rate';

const MINUTE = { windowMs: 60_000 };

function rateOf(marks: readonly (readonly [seconds: number, done: number])[]): RecentRate {
  const rate = new RecentRate(MINUTE);
  for (const [seconds, done] of marks) rate.add(seconds * 1000, done);
  return rate;
}

describe('a recent rate', () => {
  it('is unknown from one look, and while nothing moves', () => {
    expect(new RecentRate(MINUTE).perSecond(1_000)).toBeUndefined();
    expect(rateOf([[0, 5]]).perSecond(1_000)).toBeUndefined();
    expect(
      rateOf([
        [0, 5],
        [10, 5],
        [20, 5],
      ]).perSecond(20_000),
    ).toBeUndefined();
  });

  it('is items a second', () => {
    expect(
      rateOf([
        [0, 0],
        [5, 10],
        [10, 20],
      ]).perSecond(10_000),
    ).toBe(2);
  });

  it('looks at its window only', () => {
    const slowThenFast = Array.from(
      { length: 241 },
      (_, second) => [second, second <= 120 ? second * 0.1 : 12 + (second - 120) * 0.5] as const,
    );
    expect(rateOf(slowThenFast).perSecond(240_000)).toBeCloseTo(0.5, 5);
  });

  it('measures rare steps over the last few, however long ago', () => {
    expect(
      rateOf([
        [0, 0],
        [300, 1],
        [600, 2],
        [900, 3],
      ]).perSecond(900_000),
    ).toBeCloseTo(2 / 600, 12);
  });

  it('falls while the work stalls', () => {
    const rate = rateOf([
      [0, 0],
      [10, 20],
    ]);
    expect(rate.perSecond(10_000)).toBe(2);
    expect(rate.perSecond(40_000)).toBe(0.5);
  });

  it('begins again when the count goes back, and when it is told to', () => {
    expect(
      rateOf([
        [0, 0],
        [10, 50],
        [20, 10],
        [30, 20],
      ]).perSecond(30_000),
    ).toBe(1);
    const rate = rateOf([
      [0, 0],
      [10, 50],
    ]);
    rate.restart();
    rate.add(3_600_000, 50);
    rate.add(3_610_000, 60);
    expect(rate.perSecond(3_610_000)).toBe(1);
  });
});
