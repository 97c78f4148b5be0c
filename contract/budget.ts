import { defineSignal } from '@temporalio/workflow';
import type { Allowance, Cost } from '../method/cost';

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

/** What a provider's training costs, from a variant to `experiment`: before it is ordered, and when it has ended. */
export interface TrainingCost {
  /** The variant's workflow id: who is told that it may go on. */
  readonly from: string;
  /** Name of the variant, for people. */
  readonly variant: string;
  /** Key of the training. Variants that are alike share it, and pay once. */
  readonly key: string;
  /** Dollars: estimated, or billed. 0 without a price. */
  readonly usd: number;
  /** `asked`: not ordered yet. `ordered`: paid for whatever the budget. `ended`: its cost is known. */
  readonly state: 'asked' | 'ordered' | 'ended';
}

export const trainingCostSignal = defineSignal<[TrainingCost]>('trainingCost');
/** The answer: the training of this key may be ordered. */
export const trainingFundedSignal = defineSignal<[{ readonly key: string }]>('trainingFunded');
