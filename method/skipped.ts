import type { Judgment } from './records';

/** Why a judgment was not asked for: its response could not win any more. */
export const CANNOT_WIN = 'cannot-win';

/** Whether a judgment was left out because it could not change the winner. It is no missing score. */
export function isSkipped({ score, reason }: Pick<Judgment, 'score' | 'reason'>): boolean {
  return score === null && reason === CANNOT_WIN;
}

/** Of judgments of which some were made after all, the final one of each id: a skipped one gives way. In the order of the first. */
export function settledJudgments(rows: readonly Judgment[]): Judgment[] {
  const settled = new Map<string, Judgment>();
  for (const row of rows) {
    const known = settled.get(row.id);
    if (known === undefined || isSkipped(known)) settled.set(row.id, row);
  }
  return [...settled.values()];
}
