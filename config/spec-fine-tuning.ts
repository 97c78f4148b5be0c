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

/** How an endpoint is to fine-tune; undefined where a worker trains. */
export function fineTuningOf({ train, target }: TrainedSpec): FineTuning | undefined {
  if (train.backend !== 'openai') return undefined;
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

/**
 * Epochs of a job. For `auto` the number that OpenAI's own cookbook expects: 3, more where there are few examples, fewer
 * where there are many. https://cookbook.openai.com/examples/chat_finetuning_data_prep
 */
export function expectedEpochs(epochs: FineTuning['epochs'], examples: number): number {
  if (epochs !== 'auto') return epochs;
  if (examples * 3 < 100) return Math.min(25, Math.max(1, Math.floor(100 / Math.max(1, examples))));
  return examples * 3 > 25_000 ? Math.max(1, Math.floor(25_000 / examples)) : 3;
}

/** Examples of a step. For `auto`, 0.2 % of them, as OpenAI's reference once said. */
export function expectedBatch(batchSize: FineTuning['batchSize'], examples: number): number {
  return batchSize === 'auto' ? Math.min(256, Math.max(1, Math.round(0.002 * examples))) : batchSize;
}

/** Dollars of training, or null without a price. */
export function trainingUsd(trainedTokens: number, price: RunSpec['models'][string]['price']): number | null {
  const perMillion = price?.trainingUsdPerMillion;
  return perMillion === undefined ? null : (trainedTokens * perMillion) / 1e6;
}
