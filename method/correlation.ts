import { MethodError } from './method-error';

/** Two measurements of the same thing. */
export type Pair = readonly [number, number];

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Pearson's correlation, -1 to 1; null for fewer than two pairs or when either side does not vary. */
export function pearson(pairs: readonly Pair[]): number | null {
  if (pairs.length < 2) return null;
  const meanX = mean(pairs.map(([x]) => x));
  const meanY = mean(pairs.map(([, y]) => y));
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (const [x, y] of pairs) {
    xx += (x - meanX) ** 2;
    yy += (y - meanY) ** 2;
    xy += (x - meanX) * (y - meanY);
  }
  return xx === 0 || yy === 0 ? null : Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}

/** Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank. Null as {@link pearson}. */
export function spearman(pairs: readonly Pair[]): number | null {
  const x = ranks(pairs.map(([value]) => value));
  const y = ranks(pairs.map(([, value]) => value));
  return pearson(x.map((rank, index) => [rank, y[index]!] as const));
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((a, b) => values[a]! - values[b]!);
  const result = new Array<number>(values.length);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) result[order[i]!] = (start + end + 1) / 2;
    start = end;
  }
  return result;
}

/** Krippendorff's alpha, or why it is not defined. */
export type Alpha =
  | { readonly alpha: number; readonly units: number; readonly values: number }
  | { readonly alpha: null; readonly reason: string; readonly units: number; readonly values: number };

/**
 * Krippendorff's alpha for interval data: 1 is full agreement, 0 is chance, below 0 is systematic disagreement.
 * Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section D with the interval metric.
 *
 * @param units one array a unit (a response), with the value of each coder (judge), in any order; null where missing.
 *   Units with fewer than two values take no part, as the source says. `units` and `values` in the result count the rest.
 * @throws {MethodError} on a value that is not finite.
 */
export function krippendorffAlpha(units: readonly (readonly (number | null)[])[]): Alpha {
  const pairable = units.map((unit) => unit.filter((value) => value !== null)).filter((unit) => unit.length >= 2);
  const all = pairable.flat();
  const wrong = all.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw new MethodError(`a value is ${wrong}; give finite numbers, or null where one is missing`);
  const size = { units: pairable.length, values: all.length };
  if (all.length === 0) return { alpha: null, reason: 'no unit has two values', ...size };

  // Deviations from the mean keep the sums of squares exact to many digits; alpha does not change by a shift.
  const centre = mean(all);
  const observed = pairable.reduce((sum, unit) => sum + squaredDifferences(unit, centre) / (unit.length - 1), 0) / all.length;
  const expected = squaredDifferences(all, centre) / (all.length * (all.length - 1));
  if (all.every((value) => value === all[0])) return { alpha: null, reason: 'all values are equal', ...size };
  return { alpha: 1 - observed / expected, ...size };
}

/** Sum of (a - b)^2 over all ordered pairs, in linear time. */
function squaredDifferences(values: readonly number[], centre: number): number {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value - centre;
    squares += (value - centre) ** 2;
  }
  return 2 * (values.length * squares - sum * sum);
}
