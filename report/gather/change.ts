import { holm, smallestChange, verdictOf, type PairedComparison, type Verdict } from '../../method/paired-comparison';

/** A difference from the official model: on the leaderboard's scale for scores, in nats a token for losses. */
export interface Change extends Omit<PairedComparison, 'tasks'> {
  /** Corrected for all comparisons of its table (Holm). */
  readonly adjustedP: number;
  readonly verdict: Verdict;
  /** The smallest difference that would have been seen four times out of five; null where none would, or nothing tells. */
  readonly smallest: number | null;
}

/**
 * Corrects the p values of all comparisons of one table.
 * @returns the change that a comparison of that table becomes; null for null
 */
export function correctedChanges(comparisons: readonly PairedComparison[]): (comparison: PairedComparison | null) => Change | null {
  const corrected = new Map(holm(comparisons.map(({ p }) => p)).map((adjustedP, index) => [comparisons[index]!, adjustedP]));
  return (comparison) => {
    if (comparison === null) return null;
    const { tasks, ...rest } = comparison;
    const adjustedP = corrected.get(comparison) ?? 1;
    return { ...rest, adjustedP, verdict: verdictOf(comparison, adjustedP), smallest: smallestChange(tasks, comparisons.length) };
  };
}
