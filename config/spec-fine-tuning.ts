import { z } from 'zod';
import type { RunSpec } from './spec';

const auto = z.literal('auto');

/** `train.openai`: a training that an endpoint does, by the OpenAI fine-tuning API. */
export const fineTuningSchema = z
  .strictObject({
    model: z.string().min(1).optional().describe('Name under `models` of the model that is fine-tuned. Without it, target.model.'),
    epochs: z
      .union([auto, z.int().positive().max(50)])
      .default('auto')
      .describe('auto leaves it to the provider.'),
    batchSize: z
      .union([auto, z.int().positive().max(256)])
      .default('auto')
      .describe('Examples of a step.'),
    learningRateMultiplier: z
      .union([auto, z.number().gt(0).max(10)])
      .default('auto')
      .describe("Factor on the provider's own learning rate, which it does not tell."),
    suffix: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/, 'expected letters, digits and "-", up to 40')
      .default('rehearse')
      .describe('Part of the name that the provider gives the trained model.'),
    pollSeconds: z.int().min(1).max(3600).default(60).describe('How often the job is looked at.'),
    maxUsd: z.number().gt(0).optional().describe('A job that is estimated to cost more is not created. Needs price.trainingUsdPerMillion.'),
  })
  .describe('Settings of the fine-tuning API, for train.backend: openai.');

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
