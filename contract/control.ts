import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Allowance, Cost } from '../method/cost';
import type { Withdrawn } from './budget';
import type { BudgetSetting, LimitsByModel } from './run-settings';

/**
 * How a running experiment is controlled. People and the client send Updates to `experiment`; it sends its descendants an
 * order, and they end the batches that the order concerns and schedule them again.
 */

/** Who paused the run: a person, a store that cannot be used, a budget that is reached, or a model whose replies are unusable. */
export type PausedBy = 'user' | 'storage' | 'budget' | 'replies';

export interface Pause {
  readonly by: PausedBy;
  /** One sentence for people. */
  readonly reason: string;
}

/** What every descendant has to follow. A later revision replaces an earlier one. */
export interface ControlOrder {
  readonly revision: number;
  readonly pause?: Pause;
  readonly limits: LimitsByModel;
  /** Most that the synthesis may cost; a side that is left out is not limited. */
  readonly budget: Allowance;
  /** Revision of the latest order that lowered the budget, and that is to be answered by a `withdrawn`. */
  readonly withdraw?: number;
  /** Unusable replies pause nothing; absent where they do. */
  readonly anyway?: true;
  /** Addresses of the models that the run serves itself; null while a server starts. */
  readonly served?: Readonly<Record<string, string | null>>;
}

/** A descendant that cannot go on asks for the whole run to be paused. */
export interface PauseRequest extends Pause {
  /** Revision of the order under which the work failed: a failure from before the last `resume` pauses nothing. */
  readonly revision: number;
  /** What the synthesis has cost; told where the synthesis asks. */
  readonly spent?: Cost;
}

/** Answer to the query `control` and to every Update. */
export interface ControlState {
  readonly paused: boolean;
  readonly pausedBy: PausedBy | null;
  readonly reason: string | null;
  /** What was set instead of the spec's limits. */
  readonly limits: LimitsByModel;
  /** The budget that holds now, from the spec or set. */
  readonly budget: Allowance;
  /** What the synthesis has cost, as far as its shards have told, and the trainings by a provider. */
  readonly spent: Cost;
  /** Dollars of `spent` that are for trainings by a provider. */
  readonly trainingUsd?: number;
  /** In the answer to a budget that was lowered: no call begins any more, beyond what is granted anew. */
  readonly withdrawn?: Pick<Withdrawn, 'inFlight' | 'silent'>;
}

export const pauseUpdate = defineUpdate<ControlState, [{ readonly reason?: string }]>('pause');
export const resumeUpdate = defineUpdate<ControlState>('resume');
/** As `resume`, and from then on unusable replies pause the run no more. */
export const resumeAnywayUpdate = defineUpdate<ControlState>('resumeAnyway');
export const setLimitsUpdate = defineUpdate<ControlState, [LimitsByModel]>('setLimits');
export const setBudgetUpdate = defineUpdate<ControlState, [BudgetSetting]>('setBudget');
export const controlQuery = defineQuery<ControlState>('control');

/** To `experiment`, from who starts or resumes a run that is running: what is stored is to be looked at, and what is damaged made again. */
export const mendSignal = defineSignal('mend');
/** From `experiment` down, parent to child. */
export const orderSignal = defineSignal<[ControlOrder]>('order');
/** From the activity that serves a model to `experiment`: its server is up. */
export const servedSignal = defineSignal<[{ readonly model: string; readonly baseURL: string }]>('served');
/** From child to parent: under the order of this revision, which pauses the run, nothing is in work in the child any more. */
export const drainedSignal = defineSignal<[{ readonly id: string; readonly revision: number }]>('drained');
/** From any descendant to `experiment`. Running workflows exchange it under this name. */
export const pauseRequestSignal = defineSignal<[PauseRequest]>('halt');

/** Key of the memo that shows a pause where no worker answers: {@link Pause}, or absent. */
export const PAUSE_MEMO = 'paused';

/** What to do about a pause, without a full stop. */
export function pauseAdvice(runId: string, { by }: Pick<Pause, 'by'>): string {
  if (by === 'budget') return `raise it, and it goes on: npx rehearse set ${runId} --budget-usd N (or --budget-tokens N)`;
  return `go on ${by === 'replies' ? 'all the same ' : ''}with: npx rehearse resume ${runId}${by === 'replies' ? ' --anyway' : ''}`;
}
