import { medianSorted } from 'simple-statistics';

export function median(values: readonly number[]): number {
  return medianSorted([...values].sort((a, b) => a - b));
}

/** The median; with more than one value, the lowest and the highest in brackets. */
export function spread(values: readonly number[], digits: number): string {
  const middle = median(values).toFixed(digits);
  return values.length === 1 ? middle : `${middle} (${Math.min(...values).toFixed(digits)}-${Math.max(...values).toFixed(digits)})`;
}
