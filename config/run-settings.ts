import type { ModelLimits } from './spec';

/** Limits by the model's name under `models`. */
export type LimitsByModel = Readonly<Record<string, ModelLimits>>;

/** What was set on a run, beside its spec. Kept in the store, so that it outlives the workflow. */
export interface RunSettings {
  readonly limits: LimitsByModel;
}

export const NO_SETTINGS: RunSettings = { limits: {} };
