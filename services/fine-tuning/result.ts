import type { RunSpec } from '../../config/spec';
import { expectedEpochs } from '../../planning/fine-tuning-job';
import { trainingUsd } from '../../planning/price';
import type { FineTuningResult } from '../../stages/fine-tuning-result';
import { PermanentEndpointError } from '../endpoints/endpoint-errors';
import type { FineTuningJob, FineTuningJobCheckpoint, FineTuningJobEvent } from './api';
import { lossCurve, totalSteps } from './job-progress';

export interface EndedJob {
  readonly job: FineTuningJob;
  /** The oldest first. */
  readonly events: readonly FineTuningJobEvent[];
  readonly checkpoints: readonly FineTuningJobCheckpoint[];
  readonly examples: number;
  readonly model: RunSpec['models'][string];
}

/** @throws PermanentEndpointError when a job that has succeeded names no model */
export function fineTuningResult({ job, events, checkpoints, examples, model }: EndedJob): FineTuningResult {
  if (job.fine_tuned_model === null || job.fine_tuned_model === '') {
    throw new PermanentEndpointError(`the fine-tuning job ${job.id} has succeeded but names no model; ask the provider`);
  }
  const given = { ...job.method?.supervised?.hyperparameters, ...job.hyperparameters };
  const { trained_tokens: trainedTokens } = job;
  return {
    kind: 'fine-tuning',
    baseURL: model.baseURL,
    job: job.id,
    baseModel: job.model,
    model: job.fine_tuned_model,
    trainingFile: job.training_file,
    seed: job.seed,
    hyperparameters: {
      epochs: numberOf(given.n_epochs),
      batchSize: numberOf(given.batch_size),
      learningRateMultiplier: numberOf(given.learning_rate_multiplier),
    },
    steps: Math.max(totalSteps(events), ...checkpoints.map(({ step_number: step }) => step)),
    examples,
    trainedTokens,
    usd: trainedTokens === null ? null : trainingUsd(trainedTokens, model.price),
    lossCurve: lossCurve(events).map(({ step, loss }) => ({ step, loss })),
    checkpoints: checkpoints.map(({ step_number: step, fine_tuned_model_checkpoint: id, metrics }) => ({
      step,
      model: id,
      loss: metrics.train_loss ?? null,
      validationLoss: metrics.full_valid_loss ?? metrics.valid_loss ?? null,
    })),
    seconds: Math.max(0, (job.finished_at ?? job.created_at) - job.created_at),
  };
}

/** What a job is estimated to cost, four bytes of text a token; null without a price. */
export function estimatedUsd(
  trainingFileBytes: number,
  examples: number,
  epochs: number | 'auto',
  price: RunSpec['models'][string]['price'],
): number | null {
  return trainingUsd((trainingFileBytes / 4) * expectedEpochs(epochs, examples), price);
}

/** The sentence for a job that did not succeed. */
export function jobFailure(
  { id, status, error }: Pick<FineTuningJob, 'id' | 'status' | 'error'>,
  endpoint: string,
): PermanentEndpointError {
  if (status === 'cancelled') {
    return new PermanentEndpointError(
      `the fine-tuning job ${id} of ${endpoint} was cancelled at the provider; resume the run to create a new one`,
    );
  }
  const said =
    error?.message === undefined || error.message === '' ? 'it does not say why' : error.message.replace(/\s+/g, ' ').slice(0, 500);
  const code = error?.code === undefined || error.code === '' ? '' : ` (${error.code})`;
  return new PermanentEndpointError(
    `the fine-tuning job ${id} of ${endpoint} failed${code}: ${said}; fix that and resume the run, which creates a new job`,
  );
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
