import { defineSignal } from '@temporalio/workflow';
import type { Allowance, Cost } from '../method/cost';

/**
 * How a budget is shared out: `synthesis` keeps the run's ledger and grants each shard a budget, out of which the shard grants
 * each batch its own. What is not used goes back. Every amount of these messages is either a total or a further amount, never
 * both, so that a message that is late or arrives twice does no harm.
 *
 * Running workflows exchange these messages, so the names of signals and fields stay as they are.
 */

/** From a shard to `synthesis`: its budget does not cover the next call of a batch. What it has not committed it gives back. */
export interface GrantRequest {
  /** The shard's workflow id. */
  readonly id: string;
  /** Counts the shard's requests: only the latest is answered. */
  readonly number: number;
  /** What the shard has spent, and what its running batches may still spend. */
  readonly committed: Cost;
  /** Smallest further amount with which one of its batches can go on. */
  readonly least: Cost;
  /** Further amount that its waiting batches would like. */
  readonly wanted: Cost;
  /** No batch of the shard runs, so that it gives nothing more back. */
  readonly stuck: boolean;
}

/** The answer to a {@link GrantRequest}: the shard's budget. */
export interface ShardGrant {
  /** Of the request. */
  readonly number: number;
  /** What the shard may cost in total. */
  readonly total: Allowance;
}

export const grantRequestSignal = defineSignal<[GrantRequest]>('ask');
export const shardGrantSignal = defineSignal<[ShardGrant]>('fund');

/** What a provider's training costs, from a variant to `experiment`: before it is ordered, and when it has ended. */
export interface TrainingCost {
  /** The variant's workflow id: who is told that the training may be ordered. */
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
export const trainingGrantedSignal = defineSignal<[{ readonly key: string }]>('trainingFunded');
