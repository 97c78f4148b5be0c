import type { VariantName } from '../config/variants';

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
}

export interface ShardInput extends RunOutline {
  readonly shard: number;
  /** Instructions of this shard. */
  readonly size: number;
}

/** Where synthesis goes on after continue-as-new. */
export interface SynthesisInput extends RunOutline {
  readonly nextShard?: number;
  readonly totals?: readonly StageProgress[];
}

export interface SynthesisResult {
  readonly stages: readonly StageProgress[];
  readonly replayRows: number;
}

export interface VariantInput extends RunOutline {
  readonly variant: VariantName;
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
  readonly state: 'waiting' | 'running' | 'done';
  /** A closing remark, such as a score. */
  readonly note?: string;
}

export interface VariantResult {
  readonly variant: VariantName;
  readonly examples?: number;
  readonly steps?: number;
  readonly checkpoint?: string;
  readonly scores: Readonly<Record<string, number>>;
  readonly average: number;
}

export interface ExperimentResult {
  readonly runId: string;
  readonly replayRows: number;
  readonly variants: readonly VariantResult[];
  readonly report: string;
}

/** Details of an activity's heartbeat, as the live view shows them. */
export interface HeartbeatDetails {
  readonly stage: string;
  readonly model: string;
  readonly part: string;
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  readonly requests: number;
  readonly replayed: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** A remark, such as the training loss. */
  readonly note?: string;
}
