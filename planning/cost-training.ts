import { type FineTuning, fineTuningSettings } from '../config/fine-tuning';
import type { RunSpec } from '../config/spec';
import { methodOf, settled, specOf, tuningOf, type Tuning } from '../config/training-method';
import { trains } from '../config/until';
import { variantsOf, type Variant } from '../config/variants';
import { unreachable } from '../method/never';
import type { Assumptions } from './cost-assumptions';
import type { PlannedMixture } from './cost-mixture';
import { type Device, deviceFlops, deviceOf, targetParameters } from './device';
import { expectedBatch, expectedEpochs } from './fine-tuning-job';
import type { KnownCounts } from './known-counts';
import { trainingGpus } from './model-size';
import { trainingUsd } from './price';

/** What one training takes, and how many there are; hours are null when the model's size is not in its name, or an endpoint trains. */
export interface TrainingCost {
  /** Rows of the table that are trained. All other figures are of one of them. */
  readonly trainings: number;
  /** Who does it: workers, or the provider of an endpoint. */
  readonly device: Device | 'provider';
  readonly parameters: number | null;
  /** Devices that hold it; null when its size is unknown. */
  readonly devices: number | null;
  readonly examples: number;
  readonly steps: number;
  readonly tokens: number;
  /** Device hours: GPU hours, or hours of this CPU. */
  readonly hours: number | null;
  /** Of one training by an endpoint with a price. */
  readonly usd: number | null;
}

/** A row that is not trained as the others are. */
export interface OwnTraining extends TrainingCost {
  readonly name: string;
  readonly tuning: Tuning;
}

/** What one training takes, by the spec's backend. */
export function planTraining(spec: RunSpec, a: Assumptions, mixture: PlannedMixture, known: KnownCounts): TrainingCost {
  const { backend } = spec.train;
  switch (backend) {
    case 'trl':
      return planWorkerTraining(spec, a, mixture, known);
    case 'openai':
      return planFineTuning(spec, a, fineTuningSettings(spec), mixture, known);
    default:
      return unreachable(backend);
  }
}

/** Steps, tokens and device hours of full SFT: 6 FLOP a parameter and token, 8 when activations are computed again. */
function planWorkerTraining(spec: RunSpec, a: Assumptions, mixture: PlannedMixture, known: KnownCounts): TrainingCost {
  const train = settled(spec.train);
  if (train.distill !== undefined) return planDistillation(spec, a, train.distill, mixture, known);
  const device = deviceOf(spec);
  const parameters = targetParameters(spec);
  const devices =
    known.trainingProcesses ??
    (parameters === null ? null : device === 'cpu' ? 1 : trainingGpus(parameters, bytesPerParameter(train, a), a.gpuMemoryGB * 1e9));
  // Self-distillation learns from several answers of its own to each question.
  const answers = train.sdft?.generations ?? 1;
  const batch = train.perDeviceBatchSize * train.gradientAccumulation * (devices ?? 1);
  const steps = train.maxSteps ?? Math.max(1, Math.ceil((mixture.total * train.epochs * answers) / batch));
  const examples = train.maxSteps === undefined ? Math.round(mixture.total * train.epochs) : Math.round((steps * batch) / answers);
  const tokens = Math.round(examples * answers * Math.min(train.maxLength, tokensPerExample(spec, a, mixture, known)));
  const flop = (parameters ?? 0) * tokens * flopPerToken(train);
  return {
    trainings: trainedAlike(spec),
    device,
    parameters,
    devices,
    examples,
    steps,
    tokens,
    hours: parameters === null ? null : flop / deviceFlops(device, a) / 3600,
    usd: null,
  };
}

/** The training on the new data, and then an answer to each question of the replay set. */
function planDistillation(
  spec: RunSpec,
  a: Assumptions,
  distill: NonNullable<RunSpec['train']['distill']>,
  mixture: PlannedMixture,
  known: KnownCounts,
): TrainingCost {
  const { distill: _distill, method: _method, ...train } = spec.train;
  const first = planWorkerTraining({ ...spec, train }, a, { ...mixture, replay: 0, total: mixture.new }, known);
  const batch = train.perDeviceBatchSize * train.gradientAccumulation;
  const steps = distill.maxSteps ?? Math.max(1, Math.ceil((mixture.replay * distill.epochs) / batch));
  const { extract } = spec.synthesis;
  const question = Math.min(a.instructionTokens, extract.sampling.maxTokens) + a.chatOverheadTokens;
  const tokens = Math.round(steps * batch * (question + Math.min(a.responseTokens, distill.maxTokens)));
  const flop = (first.parameters ?? 0) * tokens * (flopPerToken(train) + SAMPLED_AND_TAUGHT);
  return {
    ...first,
    examples: first.examples + steps * batch,
    steps: first.steps + steps,
    tokens: first.tokens + tokens,
    hours: first.hours === null ? null : first.hours + flop / deviceFlops(deviceOf(spec), a) / 3600,
  };
}

/** FLOP a parameter and token of an answer that is sampled, and scored by a teacher. */
const SAMPLED_AND_TAUGHT = 4;

/** A parameter and token: forward 2, backward 4, and what the method adds. */
function flopPerToken(train: RunSpec['train']): number {
  const step = train.gradientCheckpointing ? 8 : 6;
  switch (methodOf(train)) {
    case 'osf':
      return 2 * step; // factors and their projections beside the matrices: twice the time, as training_hub measured on 8 H100
    case 'sdft':
      return step + SAMPLED_AND_TAUGHT;
    case 'distill': // its two parts are planned apart
    case 'full':
    case 'lora':
      return step;
  }
}

/** Rows of the table that are trained, in whatever way. */
export function trainedOf(spec: RunSpec): number {
  return trains(spec) ? variantsOf(spec).filter(isTrained).length : 0;
}

/** Rows that are trained as `train` says. */
function trainedAlike(spec: RunSpec): number {
  return trains(spec) ? variantsOf(spec).filter((variant) => isTrained(variant) && variant.train === undefined).length : 0;
}

function isTrained({ replay }: Variant): boolean {
  return replay !== null && replay.kind !== 'interpolate';
}

/** Rows whose weights are made without a training. */
export function interpolatedOf(spec: RunSpec): string[] {
  if (!trains(spec)) return [];
  return variantsOf(spec).flatMap(({ name, replay }) => (replay?.kind === 'interpolate' ? [name] : []));
}

/** What the rows take that have settings of their own: new data alone is fewer examples than a mixture. */
export function planOwnTrainings(spec: RunSpec, a: Assumptions, mixture: PlannedMixture, known: KnownCounts): OwnTraining[] {
  if (!trains(spec)) return [];
  return variantsOf(spec).flatMap((variant): OwnTraining[] => {
    if (variant.train === undefined) return [];
    const own = specOf(spec, variant);
    const examples = variant.replay?.kind === 'none' ? { ...mixture, replay: 0, total: mixture.new } : mixture;
    return [{ ...planWorkerTraining(own, a, examples, known), trainings: 1, name: variant.name, tuning: tuningOf(own.train) }];
  });
}

/** Of an endpoint nothing is known but what it is given, and its price. */
function planFineTuning(
  spec: RunSpec,
  a: Assumptions,
  { model, epochs, batchSize }: FineTuning,
  mixture: PlannedMixture,
  known: KnownCounts,
): TrainingCost {
  const rounds = expectedEpochs(epochs, mixture.total);
  const examples = mixture.total * rounds;
  const tokens = Math.round(examples * tokensPerExample(spec, a, mixture, known));
  return {
    trainings: trainedOf(spec),
    device: 'provider',
    parameters: null,
    devices: null,
    examples,
    steps: Math.max(1, Math.ceil(examples / expectedBatch(batchSize, mixture.total))),
    tokens,
    hours: null,
    usd: trainingUsd(tokens, spec.models[model]?.price),
  };
}

function tokensPerExample(spec: RunSpec, a: Assumptions, mixture: PlannedMixture, known: KnownCounts): number {
  return tokensOfExample(spec, a, mixture.total === 0 ? 0 : mixture.new / mixture.total, known);
}

/** Mean tokens of examples of which a share, 0 to 1, is new data. */
export function tokensOfExample(spec: RunSpec, a: Assumptions, share: number, known: KnownCounts): number {
  const newTokens =
    known.newExamples !== undefined && known.newCharacters !== undefined
      ? known.newCharacters / known.newExamples / a.charactersPerToken
      : a.newExampleTokens;
  const { extract, respond } = spec.synthesis;
  const replayTokens =
    Math.min(a.instructionTokens, extract.sampling.maxTokens) +
    Math.min(a.responseTokens, respond.sampling.maxTokens) +
    a.chatOverheadTokens;
  return share * newTokens + (1 - share) * replayTokens;
}

/** Of adapters, the frozen weights; their own state is a few hundredths of that. */
function bytesPerParameter(train: RunSpec['train'], a: Assumptions): number {
  const { lora, dtype } = train;
  const method = methodOf(train);
  // OSF keeps the weights and their factors as they were beside what full training keeps.
  if (method !== 'lora') return a.trainingBytesPerParameter + (method === 'osf' ? 8 : method === 'sdft' || method === 'distill' ? 4 : 0);
  if (lora?.quantize === true) return 0.6;
  return dtype === 'bfloat16' ? 2.1 : 4.1;
}
