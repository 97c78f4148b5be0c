import type { z } from 'zod';
import type { RunSpec } from './spec';
import { fineTuningSchema } from './spec-fine-tuning';

/** Settings of a training that an endpoint does. */
export type FineTuning = z.output<typeof fineTuningSchema> & {
  /** Name under `models`. */
  readonly model: string;
};

type TrainedSpec = Pick<RunSpec, 'train' | 'target'>;

/** How the OpenAI fine-tuning API is to train; undefined with another backend. */
export function fineTuningOf(spec: TrainedSpec): FineTuning | undefined {
  return spec.train.backend === 'openai' ? fineTuningSettings(spec) : undefined;
}

/** Settings of the OpenAI fine-tuning API, defaults filled in. */
export function fineTuningSettings({ train, target }: TrainedSpec): FineTuning {
  const settings = fineTuningSchema.parse(train.openai ?? {});
  return { ...settings, model: settings.model ?? target.model };
}

/** The target's weights. @throws Error where an endpoint trains, which needs none */
export function weightsOf({ target }: Pick<RunSpec, 'target'>): string {
  if (target.weights === undefined) {
    throw new Error('target.weights is not given; a validated spec whose training needs weights cannot come here');
  }
  return target.weights;
}
