import { holm, type Interval } from '../../method/paired-bootstrap';

/** A difference from the official model: on the leaderboard's scale for scores, in nats a token for losses. */
export interface Change extends Interval {
  /** Corrected for all comparisons of its table (Holm). */
  readonly adjustedP: number;
}

/**
 * Corrects the p values of all comparisons of one table.
 * @returns the change that an interval of that table becomes; null for null
 */
export function correctedChanges(intervals: readonly Interval[]): (interval: Interval | null) => Change | null {
  const corrected = new Map(holm(intervals.map(({ p }) => p)).map((adjustedP, index) => [intervals[index]!, adjustedP]));
  return (interval) => (interval === null ? null : { ...interval, adjustedP: corrected.get(interval) ?? 1 });
}
