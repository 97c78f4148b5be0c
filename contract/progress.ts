import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { BatchProgress, Cost } from '../method/cost';
import { formatDuration } from './figures';

/** A stage as the progress table, heartbeats and the search attribute name it: a stage of the method, `serve` (models that the run serves itself) or `report`. */
export type ProgressStage = string;

/** One row of the progress table. */
export interface StageProgress {
  readonly stage: ProgressStage;
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
  /** Faults that were retried and requests that were refused, by kind. */
  readonly errors: Readonly<Record<string, number>>;
  /** Items a second lately; absent before there is a rate. */
  readonly perSecond?: number;
  readonly state: 'waiting' | 'running' | 'paused' | 'done';
  /** A closing remark, such as a score. */
  readonly note?: string;
}

/** Details of an activity's heartbeat, as the live view shows them. */
export interface HeartbeatDetails extends BatchProgress {
  readonly stage: ProgressStage;
  readonly model: string;
  readonly part: string;
  /** Name of a batch of model calls in its shard. */
  readonly batch?: string;
  /** Items a second lately, as far as this attempt knows. */
  readonly perSecond?: number;
  /** A remark, such as the training loss. */
  readonly note?: string;
}

/** Asked of `experiment`, `synthesis`, `synthesizeShard` and `variant`: the rows of their progress table. */
export const progressQuery = defineQuery<readonly StageProgress[]>('progress');

/** Sent to `experiment` by its descendants: rows that replace, or counts that are added to, those of the same stage and model. */
export const progressSignal = defineSignal<[ProgressUpdate]>('progress');

export interface ProgressUpdate {
  readonly mode: 'add' | 'replace';
  readonly rows: readonly StageProgress[];
  /** What the synthesis has cost by now. */
  readonly spent?: Cost;
}

/** A row on which nothing has happened yet. */
export function waiting(stage: ProgressStage, model: string, total: number): StageProgress {
  return { stage, model, done: 0, total, failed: 0, promptTokens: 0, completionTokens: 0, usd: 0, errors: {}, state: 'waiting' };
}

/** Identity of a row within a progress table. */
export function rowKey({ stage, model }: Pick<StageProgress, 'stage' | 'model'>): string {
  return `${stage}/${model}`;
}

/** How long a running row still takes at its rate, in ms; undefined without a rate. */
export function leftMsOf({
  state,
  done,
  total,
  perSecond,
}: Pick<StageProgress, 'state' | 'done' | 'total' | 'perSecond'>): number | undefined {
  return state === 'running' && perSecond !== undefined && perSecond > 0 ? (Math.max(0, total - done) / perSecond) * 1000 : undefined;
}

/** The same as text; `–` for a running row without a rate. */
export function leftText(row: Pick<StageProgress, 'state' | 'done' | 'total' | 'perSecond'>): string {
  const leftMs = leftMsOf(row);
  return leftMs === undefined ? (row.state === 'running' ? '–' : '') : formatDuration(leftMs);
}

/** The model's column of a task's row. A task counts its documents when it is done; before, their number is not known. */
export function evaluationRow(variant: string, task: string): string {
  return `${variant}/${task}`;
}

/** Shown beside the tasks: the loss on what was held out from training. */
export const HELD_OUT = 'held-out loss';

/** Note of an evaluation's heartbeats that count its requests to the model: one for each choice, or one for each text. */
export const EVALUATION_REQUESTS = 'requests';
