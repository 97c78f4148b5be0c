import { formatList, formatShortCount, formatUsd } from '../../contract/figures';
import { type StageProgress, leftMsOf } from '../../contract/progress';
import { addCounts, type Allowance } from '../../method/cost';
import { callsModels } from '../../stages/chain';

/** Sums over a run's rows. */
export interface RunTotals {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly usd: number;
  /** Faults that were retried and requests that were refused, by kind. */
  readonly errors: Readonly<Record<string, number>>;
  /**
   * Time until the replay set is made: that of the slowest row of model calls, since the stages run at once. Null while
   * a row that is not done has no rate, and when all are done.
   */
  readonly synthesisLeftMs: number | null;
}

export function totalsOf(rows: readonly StageProgress[]): RunTotals {
  const sum = (value: (row: StageProgress) => number): number => rows.reduce((total, row) => total + value(row), 0);
  const left = rows.filter(({ stage, state }) => callsModels(stage) && state !== 'done').map(leftMsOf);
  const known = left.filter((leftMs) => leftMs !== undefined);
  return {
    promptTokens: sum((row) => row.promptTokens),
    completionTokens: sum((row) => row.completionTokens),
    usd: sum((row) => row.usd),
    errors: rows.reduce<Record<string, number>>((all, row) => addCounts(all, row.errors), {}),
    synthesisLeftMs: known.length > 0 && known.length === left.length ? Math.max(...known) : null,
  };
}

/** `budget $50.00 and 3.00M tokens`; empty without one. */
export function budgetText({ usd, tokens }: Allowance = {}): string {
  const parts = [...(usd === undefined ? [] : [formatUsd(usd)]), ...(tokens === undefined ? [] : [`${formatShortCount(tokens)} tokens`])];
  return parts.length === 0 ? '' : `budget ${formatList(parts)}`;
}
