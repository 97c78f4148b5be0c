import { errorFunction, inverseErrorFunction } from 'simple-statistics';

/** Share of the standard normal distribution below `z`; right to 1e-7. */
export function normalShare(z: number): number {
  return (1 + errorFunction(z / Math.SQRT2)) / 2;
}

/**
 * The place below which `share` of the standard normal distribution lies, right to some 1e-6: the library's approximation, which is off by up
 * to 0.002, and two steps of Newton's method.
 * @param share above 0 and below 1; else the result is infinite
 */
export function normalQuantile(share: number): number {
  if (share <= 0 || share >= 1) return share <= 0 ? -Infinity : Infinity;
  let z = Math.SQRT2 * inverseErrorFunction(2 * share - 1);
  for (let step = 0; step < 2; step++) z -= ((normalShare(z) - share) * Math.sqrt(2 * Math.PI)) / Math.exp((-z * z) / 2);
  return z;
}
