import type { Allowance, Cost } from '../method/cost';
import type { PurseState } from '../method/grants';
import type { ControlOrder } from './control';
import type { StageProgress } from './progress';
import type { RunOutline, VariantOutline } from './run';

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

export interface VariantInput extends RunOutline {
  readonly variant: VariantOutline;
  readonly order: ControlOrder;
}

/** What the treasury needs to go on after continue-as-new, when no shard is open. */
export interface TreasuryState {
  readonly purse: PurseState;
  /** What the store holds of shards that are still to come, by shard id; absent until it was looked for. */
  readonly stored?: Readonly<Record<string, Cost>>;
}
