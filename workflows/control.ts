import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { NO_SETTINGS, type LimitsByModel, type RunSettings } from '../config/run-settings';

/**
 * How a running experiment is steered. People and the client send Updates to `experiment`; it sends its descendants an
 * order, and they end the batches that the order concerns and schedule them again.
 */

/** Who stopped the run: somebody, or a store that cannot be written. */
export type PausedBy = 'user' | 'storage';

export interface Pause {
  readonly by: PausedBy;
  /** One sentence for people. */
  readonly reason: string;
}

/** What every descendant has to follow. A later revision replaces an earlier one. */
export interface ControlOrder extends RunSettings {
  readonly revision: number;
  readonly pause?: Pause;
}

/** A descendant that cannot go on asks for the whole run to be paused. */
export interface Halt extends Pause {
  /** Revision of the order under which the work failed: what failed before the last `resume` is no news. */
  readonly revision: number;
}

/** Answer to the query `control` and to every Update. */
export interface ControlState {
  readonly paused: boolean;
  readonly pausedBy: PausedBy | null;
  readonly reason: string | null;
  /** What was set instead of the spec's limits. */
  readonly limits: LimitsByModel;
}

export const pauseUpdate = defineUpdate<ControlState, [{ readonly reason?: string }]>('pause');
export const resumeUpdate = defineUpdate<ControlState>('resume');
export const setLimitsUpdate = defineUpdate<ControlState, [LimitsByModel]>('setLimits');
export const controlQuery = defineQuery<ControlState>('control');

/** From `experiment` down, parent to child. */
export const orderSignal = defineSignal<[ControlOrder]>('order');
/** From any descendant to `experiment`. */
export const haltSignal = defineSignal<[Halt]>('halt');

/** Key of the memo that shows a pause where no worker answers: {@link Pause}, or absent. */
export const PAUSE_MEMO = 'paused';

/** Type of an activity's failure when its store cannot be read or written until somebody mends it. */
export const STORAGE_FAILURE = 'StorageUnavailableError';

export const FIRST_ORDER: ControlOrder = { revision: 0, ...NO_SETTINGS };
