import type { Sampling } from './spec';

/** A stage's sampling, and what single models, by name, have instead of parts of it. */
export interface StageSampling {
  readonly sampling: Sampling;
  readonly perModel: Readonly<Record<string, Partial<Sampling>>>;
}

/** The sampling of one model in a stage: the stage's own, with the model's overrides. */
export function samplingFor({ sampling, perModel }: StageSampling, model: string): Sampling {
  return { ...sampling, ...(Object.hasOwn(perModel, model) ? perModel[model] : {}) };
}
