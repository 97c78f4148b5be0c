import { z } from 'zod';

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
