import type { HeldOutSet } from '../method/hold-out';

/** What the activities that are no batches of model calls return. */

/** What the filters left. */
export interface FilterOutcome {
  /** Instructions to be answered, by shard. */
  readonly kept: readonly number[];
}

/** The replay set of a variant that does not use the method's. */
export interface ReplaySetOutcome {
  readonly rows: number;
}

/** How many conversations of each set are held out. */
export type HoldOutOutcome = Readonly<Record<HeldOutSet, number>>;

/** Examples of a mixture, by where they come from. */
export interface MixOutcome {
  readonly replay: number;
  readonly new: number;
}

export interface TrainOutcome {
  readonly checkpoint: string;
  readonly steps: number;
  readonly lastLoss: number | null;
  /** What a provider has billed, where that is known. */
  readonly usd?: number | null;
}

/** One task on one model. */
export interface TaskOutcome {
  readonly task: string;
  /** Name of its metric, and the score, 0 to 1. */
  readonly metric: string;
  readonly score: number;
  readonly documents: number;
}

export interface EvaluateOutcome {
  /** Task to its primary score, 0 to 1. */
  readonly scores: Readonly<Record<string, number>>;
  /** Mean of the tasks' normalised scores, 0 to 100. */
  readonly average: number;
  /** Mean loss a token (nats) on each held-out set; absent where nothing is held out. */
  readonly losses?: Readonly<Record<string, number>>;
}
