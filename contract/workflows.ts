import type { Allowance, Cost } from '../method/cost';
import type { GrantsState } from '../method/grants';
import type { ControlOrder } from './control';
import type { StageProgress } from './progress';
import type { RunOutline, VariantOutline } from './run';

/**
 * What the workflows of a run are given and return. Running workflows carry it in their histories, so fields keep their names,
 * also where the code calls the thing otherwise: `funds` is the shard's budget, `treasury` the run's ledger, `purse` its grants.
 */

/**
 * With filters a shard is worked on twice: first it is extracted, and what the filters keep of it is answered later. Without
 * filters there are no phases.
 */
export type ShardPhase = 'extract' | 'answer';

export interface ShardInput extends RunOutline {
  readonly shard: number;
  /** Instructions of this shard; in the phase `answer`, those that the filters kept. */
  readonly size: number;
  readonly phase?: ShardPhase;
  /** Under which it begins. */
  readonly order: ControlOrder;
  /** The shard's budget: what it may cost in total. */
  readonly funds: Allowance;
}

export interface ShardResult {
  readonly stages: readonly StageProgress[];
  /** What its outputs cost, whoever paid. */
  readonly cost: Cost;
}

/** Beside the outline, the state of the synthesis after continue-as-new. */
export interface SynthesisInput extends RunOutline {
  readonly nextShard?: number;
  readonly totals?: readonly StageProgress[];
  /** How many instructions the filters kept, by shard, once they have been applied. */
  readonly kept?: readonly number[];
  readonly treasury?: RunLedgerState;
  readonly order: ControlOrder;
}

export interface SynthesisResult {
  readonly stages: readonly StageProgress[];
  readonly replayRows: number;
}

export interface VariantInput extends RunOutline {
  readonly variant: VariantOutline;
  readonly order: ControlOrder;
}

/** What the run's ledger needs to go on after continue-as-new, when no shard is open. */
export interface RunLedgerState {
  readonly purse: GrantsState;
  /** What the store holds of shards that are still to come, by shard id; absent until it was looked up. */
  readonly stored?: Readonly<Record<string, Cost>>;
}
