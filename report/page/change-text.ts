import { formatDecimal, formatSigned, NO_VALUE } from '../../contract/figures';
import type { Change } from '../gather/change';

/** How a change is shown: the same words and colours wherever it stands. */

export type Better = 'higher' | 'lower';

/** Coloured only where the permutation test, corrected for its table, says that there is a difference. */
export function toneOfChange(change: Change | null, better: Better): 'good' | 'bad' | undefined {
  if (change?.verdict !== 'differs') return undefined;
  return change.value > 0 === (better === 'higher') ? 'good' : 'bad';
}

export function intervalText({ low, high }: Change, digits = 1): string {
  return low === null || high === null ? NO_VALUE : `${formatSigned(low, digits)} to ${formatSigned(high, digits)}`;
}

/** `, from −1.0 to +2.0`, or nothing where there is no interval. */
export function fromTo({ low, high }: Pick<Change, 'low' | 'high'>, digits = 1): string {
  return low === null || high === null ? '' : `, from ${formatSigned(low, digits)} to ${formatSigned(high, digits)}`;
}

/** What {@link verdictText} means by `would have been`, for the heads of tables. */
export const WOULD_HAVE_BEEN_SEEN = 'a difference that would have been seen is one that four such evaluations of five would show';

/** What may be said; beside each `no difference seen`, the smallest one that would have been. */
export function verdictText({ verdict, smallest, documents }: Change, digits = 1): string {
  switch (verdict) {
    case 'differs':
      return verdict;
    case 'too few to say':
      return `${verdict} (${documents})`;
    case 'no difference seen':
      return smallest === null
        ? `${verdict}; nothing tells how small a one would have been`
        : `${verdict}; one of ${formatDecimal(smallest, digits)} would have been`;
  }
}
