import type { RunSpec } from '../../config/spec';
import { sftResultSchema, type SftResult } from '../python-protocol';
import type { StageManifest } from '../stage-store';
import type { LossRow } from '../tables';
import { readDetail } from './stage-detail';

export interface TrainingReport {
  readonly steps: number;
  readonly examples: number;
  readonly tokens: number;
  /** Tokens that the loss is taken on. */
  readonly trainedTokens: number;
  /** Examples that were cut to `maxLength`. */
  readonly truncated: number;
  /** Examples of which the cut left nothing to train on; null where the trainer does not say. */
  readonly dropped: number | null;
  readonly seconds: number;
  readonly learningRate: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly dtype: string;
  readonly maxLength: number;
  readonly curve: readonly LossRow[];
  readonly checkpoint: string;
  readonly weightsSha256: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** The trainer's own figures. @throws Error when the manifest holds none */
export function trainerResult(manifest: StageManifest): SftResult {
  return readDetail(manifest, sftResultSchema);
}

export function reportTraining(result: SftResult, curve: readonly LossRow[], { train }: Pick<RunSpec, 'train'>): TrainingReport {
  const { steps, examples, tokens, trainedTokens, truncated, seconds, checkpointDir, weightsSha256, versions } = result;
  return {
    steps, examples, tokens, trainedTokens, truncated, seconds, weightsSha256, versions, curve,
    dropped: typeof result['dropped'] === 'number' ? result['dropped'] : null,
    learningRate: train.learningRate,
    epochs: train.epochs,
    batchSize: train.perDeviceBatchSize * train.gradientAccumulation,
    dtype: train.dtype,
    maxLength: train.maxLength,
    checkpoint: checkpointDir,
  };
}
