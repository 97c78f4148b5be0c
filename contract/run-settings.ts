import type { ModelLimits } from '../config/spec';

/** Limits by the model's name under `models`. */
export type LimitsByModel = Readonly<Record<string, ModelLimits>>;

/** A budget that a run is given instead of its spec's; what is left out stays as it is there, null lifts it. */
export interface BudgetSetting {
  readonly usd?: number | null;
  readonly tokens?: number | null;
}

/** What was set on a run, beside its spec. Kept in the store, so that it outlives the workflow. */
export interface RunSettings {
  readonly limits: LimitsByModel;
  readonly budget?: BudgetSetting;
  /** Endpoints are not asked before the first paid call what they take. */
  readonly probe?: false;
  /** Unusable replies are no reason to pause. */
  readonly anyway?: true;
}

export const NO_SETTINGS: RunSettings = { limits: {} };
