import type { RunSpec } from '../../config/spec';
import { tuningOf, type Tuning } from '../../config/training-method';
import type { FineTuningResult } from '../../stages/fine-tuning-result';
import type { LossRow, TrainingDetail } from '../../stages/train';

/** A training by our own workers, or by the provider of an endpoint. */
export type TrainingReport = WorkerTraining | ProviderTraining;

export interface WorkerTraining {
  readonly by: 'workers';
  readonly steps: number;
  readonly examples: number;
  readonly tokens: number;
  /** Tokens that the loss is taken on. */
  readonly trainedTokens: number;
  /** Examples that were cut to `maxLength`. */
  readonly truncated: number;
  /** Examples of which the cut left nothing to train on; null where the trainer does not say. */
  readonly dropped: number | null;
  /** Examples that the chat template does not take, by reason; they were left out. */
  readonly unrenderable: Readonly<Record<string, number>>;
  /** Examples in whose words a control token is written, which was trained as text. */
  readonly controlTexts: number;
  /** Answers that had thoughts and were trained with them, and without. */
  readonly thoughts: { readonly kept: number; readonly leftOut: number };
  readonly seconds: number;
  readonly learningRate: number;
  readonly epochs: number;
  /** Examples of one optimizer step, over all processes. */
  readonly batchSize: number;
  readonly tuning: Tuning;
  readonly dtype: string;
  readonly maxLength: number;
  readonly curve: readonly LossRow[];
  readonly checkpoint: string;
  readonly weightsSha256: string;
  readonly versions: Readonly<Record<string, string>>;
}

export interface ProviderTraining extends Pick<FineTuningResult, 'job' | 'baseModel' | 'hyperparameters' | 'checkpoints' | 'usd'> {
  readonly by: 'provider';
  readonly steps: number;
  /** Of one epoch. */
  readonly examples: number;
  /** Billed, over all epochs; null where the provider does not tell. */
  readonly trainedTokens: number | null;
  readonly seconds: number;
  readonly curve: readonly LossRow[];
  /** Id of the trained model. */
  readonly checkpoint: string;
  readonly weightsSha256: null;
  readonly versions: Readonly<Record<string, string>>;
}

/** Tokens of the mixture, as the trainer counted them; null where a provider does not tell. */
export function tokensOfMixture(result: TrainingDetail): number | null {
  switch (result.kind) {
    case 'sft':
      return result.tokens;
    case 'interpolate':
      return null;
    case 'fine-tuning': {
      const { trainedTokens, hyperparameters } = result;
      const { epochs } = hyperparameters;
      return trainedTokens === null || epochs === null ? null : Math.round(trainedTokens / epochs);
    }
  }
}

/** @param train how the variant was trained @returns null for weights that no training made */
export function reportTraining(
  result: TrainingDetail,
  curve: readonly LossRow[],
  { train }: Pick<RunSpec, 'train'>,
): TrainingReport | null {
  if (result.kind === 'interpolate') return null;
  if (result.kind === 'fine-tuning') {
    const { steps, examples, trainedTokens, seconds, model, job, baseModel, hyperparameters, checkpoints, usd } = result;
    return {
      by: 'provider',
      steps,
      examples,
      trainedTokens,
      seconds,
      curve,
      checkpoint: model,
      weightsSha256: null,
      versions: {},
      job,
      baseModel,
      hyperparameters,
      checkpoints,
      usd,
    };
  }
  const { steps, examples, tokens, trainedTokens, truncated, seconds, checkpointDir, weightsSha256, versions } = result;
  return {
    by: 'workers',
    steps,
    examples,
    tokens,
    trainedTokens,
    truncated,
    seconds,
    weightsSha256,
    versions,
    curve,
    dropped: typeof result['dropped'] === 'number' ? result['dropped'] : null,
    unrenderable: result.unrenderable ?? {},
    controlTexts: result.controlTexts ?? 0,
    thoughts: { kept: result.thoughtsKept ?? 0, leftOut: result.thoughtsLeftOut ?? 0 },
    learningRate: train.learningRate,
    epochs: train.epochs,
    batchSize: train.perDeviceBatchSize * train.gradientAccumulation * (result.processes ?? 1),
    tuning: tuningOf(train),
    dtype: train.dtype,
    maxLength: train.maxLength,
    checkpoint: checkpointDir,
  };
}
