import type { ModelLimits } from '../config/spec';
import type { ReplaySource } from '../config/variants';
import type { Allowance, BatchProgress, Cost } from '../method/cost';
import type { RunCosts } from '../planning/run-costs';
import type { TreasuryState } from '../workflows/budget/run-ledger';
import type { ControlOrder } from './control';

export type { Allowance, Cost } from '../method/cost';
export type { RunCosts } from '../planning/run-costs';
export type { ModelLimits } from '../config/spec';

/** A run's plan in the store, by its hash; all that workflows and activities pass around. */
export interface PlanRef {
  readonly runId: string;
  readonly plan: string;
}

/** What the workflows need to know of a plan: names and numbers, no text. */
export interface RunOutline extends PlanRef {
  readonly target: string;
  readonly generators: readonly string[];
  readonly judges: readonly string[];
  readonly samples: number;
  readonly instructions: number;
  readonly shards: number;
  readonly shardSize: number;
  readonly concurrentShards: number;
  readonly tasks: readonly string[];
  readonly trainSteps: number | null;
  /** An endpoint trains, by its fine-tuning API; absent where workers do. */
  readonly fineTuning?: true;
  readonly costs: RunCosts;
  /** Most that the synthesis may cost; without it there is no limit. */
  readonly budget?: Allowance;
  /** Filters of the instructions, when the spec has one on: then all are extracted and filtered before the first is answered. */
  readonly filter?: { readonly fetchDocuments: boolean };
  /** Rows are kept back from every training, to take the loss on them. */
  readonly holdOut?: true;
  /** Tasks other than the leaderboard's, whose names only a gpu worker can check. */
  readonly otherTasks?: true;
  /** Models that gpu workers are to serve. */
  readonly served?: readonly string[];
  readonly variants: readonly VariantOutline[];
}

/** What every batch of model calls is given besides its plan. */
export interface BatchLimits {
  /** The most that the batch may cost in total, what its journal holds included; without it there is no limit. */
  readonly allowance?: Allowance;
  /** Where the model is, if the run serves it itself. */
  readonly baseURL?: string;
  /** Instead of the spec's limits of the model. */
  readonly limits?: ModelLimits;
}

/** One shard for an llm activity. */
export interface ShardBatch extends PlanRef, BatchLimits {
  readonly shard: number;
}

/** One row of the table, as the workflows need to know it. */
export interface VariantOutline {
  readonly name: string;
  /** Kind of its replay set; null for the official model, which is only evaluated. */
  readonly replay: ReplaySource['kind'] | null;
}

export interface ShardInput extends RunOutline {
  readonly shard: number;
  /** Instructions of this shard; in the phase `answer`, those that the filters kept. */
  readonly size: number;
  /** With filters a shard is extracted first, and what is kept of it answered later. Without them it has one life. */
  readonly phase?: 'extract' | 'answer';
  /** Under which it begins. */
  readonly order: ControlOrder;
  /** Its part of the budget: what it may cost in total. */
  readonly funds: Allowance;
}

export interface ShardResult {
  readonly stages: readonly StageProgress[];
  /** What its outputs cost, whoever paid. */
  readonly cost: Cost;
}

/** Where synthesis goes on after continue-as-new. */
export interface SynthesisInput extends RunOutline {
  readonly nextShard?: number;
  readonly totals?: readonly StageProgress[];
  /** What the filters left, by shard, once they have been applied. */
  readonly kept?: readonly number[];
  readonly treasury?: TreasuryState;
  readonly order: ControlOrder;
}

export interface SynthesisResult {
  readonly stages: readonly StageProgress[];
  readonly replayRows: number;
}

/** A model by what it is, not by where it lies. */
export interface EvaluatedModel {
  /** Of its weights, configuration, tokenizer and chat template. */
  readonly sha256: string;
  /** Commit of the hub, where the weights are from there: every machine is to load the same one. */
  readonly revision?: string;
}

export interface VariantInput extends RunOutline {
  readonly variant: VariantOutline;
  readonly order: ControlOrder;
}

/** What the filters left. */
export interface FilterOutcome {
  /** Instructions to be answered, by shard. */
  readonly kept: readonly number[];
}

/** What is stored of a synthesis has cost, by shard and life of a shard; shards without anything are left out. */
export interface StoredCosts {
  readonly extract: Readonly<Record<number, Cost>>;
  readonly answer: Readonly<Record<number, Cost>>;
}

/** Counts of one finished stage output. */
export interface StageOutcome {
  /** Items with a usable result; what is missing to the stage's total is lost, here or before. */
  readonly usable: number;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Whether it was there already, so that nothing was computed. */
  readonly reused: boolean;
  /** What the output cost, whoever paid, at the plan's prices; of an exhausted batch, what it has cost so far. */
  readonly cost: Cost;
  /** Faults that were ridden out and requests that were refused, by kind. */
  readonly errors: Readonly<Record<string, number>>;
  /**
   * The batch ended early: its allowance does not cover its next call. Nothing was stored, its journal stays. `needs` is the
   * smallest further allowance to go on with.
   */
  readonly exhausted?: { readonly needs: Cost };
}

/** One row of the progress table. */
export interface StageProgress {
  readonly stage: string;
  /** Model, variant or empty. */
  readonly model: string;
  readonly done: number;
  readonly total: number;
  /** Items without a usable result, lost here or in an earlier stage. */
  readonly failed: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** What its model calls cost, at the plan's prices. */
  readonly usd: number;
  /** Faults that were ridden out and requests that were refused, by kind. */
  readonly errors: Readonly<Record<string, number>>;
  /** Items a second lately; absent without evidence. */
  readonly perSecond?: number;
  readonly state: 'waiting' | 'running' | 'paused' | 'done';
  /** A closing remark, such as a score. */
  readonly note?: string;
}

export interface VariantResult {
  readonly variant: string;
  readonly examples?: number;
  readonly steps?: number;
  readonly checkpoint?: string;
  readonly scores: Readonly<Record<string, number>>;
  readonly average: number;
  /** Mean loss a token (nats) on each set that was kept back from training; absent where nothing was. */
  readonly losses?: Readonly<Record<string, number>>;
}

export interface ExperimentResult {
  readonly runId: string;
  readonly replayRows: number;
  readonly variants: readonly VariantResult[];
  readonly report: string;
}

/** Details of an activity's heartbeat, as the live view shows them. */
export interface HeartbeatDetails extends BatchProgress {
  readonly stage: string;
  readonly model: string;
  readonly part: string;
  /** Items a second lately, as far as this attempt knows. */
  readonly perSecond?: number;
  /** A remark, such as the training loss. */
  readonly note?: string;
}
