import { defineSignal } from '@temporalio/workflow';
import type { Allowance, Cost } from '../../contract/types';

/**
 * How a budget is shared out. `synthesis` keeps the ledger and gives each shard a part; a shard gives each batch a part of that.
 * What is not used goes back. All amounts of these messages are absolute or further, never both, so that a message which is
 * late or comes twice does no harm.
 */

/** From a shard to `synthesis`: its part does not cover the next call of a batch. What it has not committed it gives back. */
export interface Ask {
  /** The shard's workflow id. */
  readonly id: string;
  /** Counts the shard's asks: only the latest is answered. */
  readonly number: number;
  /** What the shard has spent, and what its running batches may still spend. */
  readonly committed: Cost;
  /** Further amount with which one of its batches can go on. */
  readonly least: Cost;
  /** Further amount that its waiting batches would like. */
  readonly wanted: Cost;
  /** No batch of the shard runs, so nothing comes back by waiting. */
  readonly stuck: boolean;
}

/** The answer: what the shard may cost in total. */
export interface Funding {
  readonly number: number;
  readonly total: Allowance;
}

export const askSignal = defineSignal<[Ask]>('ask');
export const fundSignal = defineSignal<[Funding]>('fund');

/** Grants are the expected cost times this, so that most work needs no second one. */
export const MARGIN = 1.25;

/** Whether some side is limited that was not, or more tightly than before: then what was granted has to be given back. */
export function isTighter(before: Allowance, after: Allowance): boolean {
  return (['usd', 'tokens'] as const).some((side) => (after[side] ?? Infinity) < (before[side] ?? Infinity));
}

/** Nothing more, on the sides that are limited. */
export function nothingOf(budget: Allowance): Allowance {
  return onSidesOf(budget, { usd: 0, tokens: 0 });
}

/** A cost as a limit, on the sides that `budget` limits. */
export function onSidesOf(budget: Allowance, { usd, tokens }: Cost): Allowance {
  return { ...(budget.usd === undefined ? {} : { usd }), ...(budget.tokens === undefined ? {} : { tokens }) };
}

/** What is known to be spent, and a further grant. */
export function withGrant(known: Cost, grant: Allowance): Allowance {
  return {
    ...(grant.usd === undefined ? {} : { usd: known.usd + grant.usd }),
    ...(grant.tokens === undefined ? {} : { tokens: known.tokens + grant.tokens }),
  };
}
