import { formatCount, formatUsd } from '../../contract/figures';
import type { BudgetReached } from './run-ledger';

/** Why the run pauses: each side of the budget that does not cover the next call, in words. */
export function reachedSentence({ budget, spent, least }: BudgetReached): string {
  const parts = [
    ...(budget.usd !== undefined && spent.usd + least.usd > budget.usd
      ? [
          `the budget of ${formatUsd(budget.usd)} is reached: ${formatUsd(spent.usd)} is spent, and the next call may cost up to ${formatUsd(least.usd)}`,
        ]
      : []),
    ...(budget.tokens !== undefined && spent.tokens + least.tokens > budget.tokens
      ? [
          `the budget of ${formatCount(budget.tokens)} tokens is reached: ${formatCount(spent.tokens)} are spent, and the next call may take up to ${formatCount(least.tokens)}`,
        ]
      : []),
  ];
  return parts.join('; ');
}
