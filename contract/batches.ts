import type { ModelLimits } from '../config/spec';
import type { Allowance, Cost } from '../method/cost';
import type { PlanRef } from './run';

/** What every batch of model calls is given besides its plan. */
export interface BatchLimits {
  /** Its name in the shard, under which it tells the shard that it was stopped. */
  readonly batch?: string;
  /** The most that the batch may cost in total, what its journal holds included; without it there is no limit. */
  readonly allowance?: Allowance;
  /** Where the model is, if the run serves it itself. */
  readonly baseURL?: string;
  /** The budget was lowered: what was ordered from a provider and is not done is cancelled. */
  readonly withdrawn?: true;
  /** Somebody has said that unusable replies are no reason to stop. */
  readonly anyway?: true;
  /** Instead of the spec's limits of the model. */
  readonly limits?: ModelLimits;
}

/** One shard for an llm activity. */
export interface ShardBatch extends PlanRef, BatchLimits {
  readonly shard: number;
}

/** One judge's scores of one generator's responses. */
export interface JudgeBatch extends ShardBatch {
  readonly generator: string;
  readonly judge: string;
  /** Where responses are left out that cannot win: one of the rounds before the last, from 0, or what has to be judged after all. */
  readonly round?: number | 'afterAll';
}

/** Counts of one finished stage output. */
export interface BatchOutcome {
  /** Items with a usable result; what is missing to the stage's total is lost, here or before. */
  readonly usable: number;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Whether it was there already, so that nothing was computed. */
  readonly reused: boolean;
  /** What the output cost, whoever paid, at the plan's prices; of an exhausted batch, what it has cost so far. */
  readonly cost: Cost;
  /** Faults that were retried and requests that were refused, by kind. */
  readonly errors: Readonly<Record<string, number>>;
  /**
   * The batch ended early: its allowance does not cover its next call. Nothing was stored, its journal stays. `needs` is the
   * smallest further allowance to go on with, `wants` what would do for all that it has to order.
   */
  readonly exhausted?: { readonly needs: Cost; readonly wants?: Cost };
}

/** Numbers of the shards from which on they have not begun. */
export interface StoredFrom {
  readonly extract: number;
  readonly answer: number;
  /** Of the shards of own answers, those of all rows in turn. */
  readonly own?: number;
}

/** What is stored of a synthesis has cost, by shard and life of a shard; shards without anything are left out. */
export interface StoredCosts {
  readonly extract: Readonly<Record<number, Cost>>;
  readonly answer: Readonly<Record<number, Cost>>;
  /** By row of own answers. */
  readonly own?: Readonly<Record<string, Readonly<Record<number, Cost>>>>;
}
