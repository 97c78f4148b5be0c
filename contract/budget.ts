import { defineQuery, defineSignal } from '@temporalio/workflow';
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

/** From a batch that was told to stop, to its shard: from now on it sends nothing. */
export interface StoppedBatch {
  /** Its name in the shard. */
  readonly id: string;
  /** What it has cost by now, with all that its journal holds. */
  readonly cost: Cost;
  /** What its calls in flight may cost beyond, at most. */
  readonly inFlight: Cost;
  /** It has not stopped: `inFlight` is what it has ordered from a provider, which goes on while no attempt of it runs. */
  readonly ordered?: true;
}

/**
 * From child to parent, up to `experiment`: under the order of this revision, which lowers the budget, every batch has given
 * back its grant and sends nothing more until it has a new one.
 */
export interface Withdrawn {
  /** The child's workflow id. */
  readonly id: string;
  readonly revision: number;
  /** What the child's work has cost by now. */
  readonly spent: Cost;
  /** What calls in flight may cost beyond, at most; of a batch that is silent, all of its grant. */
  readonly inFlight: Cost;
  /** Batches that have not answered: their worker is cut off, hangs or has died. */
  readonly silent: readonly SilentBatch[];
}

/** A batch that was told to stop, and of which nobody knows whether it has. */
export interface SilentBatch {
  /** Workflow id of its shard, or of the workflow that did not answer. */
  readonly workflowId: string;
  /** Its name in the shard; absent for all of a workflow. */
  readonly batch?: string;
}

export const batchStoppedSignal = defineSignal<[StoppedBatch]>('stopped');
export const withdrawnSignal = defineSignal<[Withdrawn]>('withdrawn');

/** Answer to the query `spent` of `synthesis`: what closed shards have cost, and what is known of the open ones. */
export interface SynthesisSpent {
  readonly closed: Cost;
  /** By workflow id. */
  readonly open: Readonly<Record<string, Cost>>;
}
export const synthesisSpentQuery = defineQuery<SynthesisSpent>('spent');
/** The same of a shard: by batch, what it is known to have cost; what runs tells more in its heartbeats. */
export const shardSpentQuery = defineQuery<Readonly<Record<string, Cost>>>('spent');

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
