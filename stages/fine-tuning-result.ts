import { z } from 'zod';

const maybe = z.number().nullable();

/** What a provider's training came to: the detail of the stage output. */
export const fineTuningResultSchema = z.looseObject({
  kind: z.literal('fine-tuning'),
  baseURL: z.string(),
  job: z.string(),
  baseModel: z.string(),
  /** Id of the trained model at the same endpoint. */
  model: z.string(),
  trainingFile: z.string(),
  seed: z.number(),
  /** As the provider states them, `auto` resolved. */
  hyperparameters: z.object({ epochs: maybe, batchSize: maybe, learningRateMultiplier: maybe }),
  /** 0 where the provider does not tell. */
  steps: z.number(),
  /** Of one epoch. */
  examples: z.number(),
  /** Billed tokens, over all epochs; null where the provider does not tell. */
  trainedTokens: maybe,
  /** Null without a price or without trained tokens. */
  usd: maybe,
  lossCurve: z.array(z.object({ step: z.number(), loss: z.number() })),
  /** Earlier states that can be called as models. */
  checkpoints: z.array(z.object({ step: z.number(), model: z.string(), loss: maybe, validationLoss: maybe })),
  /** From creation to end, the provider's queue included. */
  seconds: z.number(),
});

export type FineTuningResult = z.output<typeof fineTuningResultSchema>;
