import { isLeaderboardTask } from '../config/evaluation-splits';
import type { RunSpec } from '../config/spec';
import { fineTuningOf, type FineTuning } from '../config/spec-fine-tuning';
import { variantsOf } from '../config/variants';
import type { LeaderboardTask } from '../method/forgetting';
import type { HeldOutSet } from '../method/hold-out';
import type { Assumptions } from './cost-assumptions';
import type { KnownCounts } from './cost-plan';
import { expectedBatch, expectedEpochs } from './fine-tuning-job';
import { parametersOf, trainingGpus } from './model-size';
import { trainingUsd, usdOf } from './price';

type Device = 'cpu' | 'gpu';

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

/** What measuring takes, all rows of the table together. */
export interface EvaluationCost {
  /** Rows of the table. */
  readonly models: number;
  readonly device: Device | 'provider';
  readonly documents: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly hours: number | null;
  /** Of an endpoint with a price. */
  readonly usd: number | null;
}

/** What taking the losses on the rows that are kept back takes: forward passes on the gpu queue, no call to an endpoint. */
export interface HeldOutCost {
  readonly device: Device;
  /** Of each set, as far as the replay set is large enough. */
  readonly conversations: Readonly<Record<HeldOutSet, number>>;
  /** Of taking the loss on all of them once. */
  readonly tokens: number;
  /** Times it is taken: of every row of the table, and `train.evalSteps` within each training. */
  readonly measurements: { readonly models: number; readonly whileTraining: number };
  /** Device hours of all measurements; null when the model's size is not in its name. */
  readonly hours: number | null;
}

/** Null where the spec keeps nothing back. */
export function planHeldOut(spec: RunSpec, a: Assumptions, steps: number, known: KnownCounts): HeldOutCost | null {
  const {
    mix: { holdOut },
    train,
    synthesis,
    target,
  } = spec;
  if (holdOut === undefined) return null;
  const own = synthesis.respond.generators.includes(target.model) ? holdOut.replay : 0;
  const conversations = { replay: holdOut.replay, own, new: holdOut.new };
  const [replayTokens, newTokens] = [0, 1].map((share) => Math.min(train.maxLength, tokensOfExample(spec, a, share, known))) as [
    number,
    number,
  ];
  const tokens = Math.round((conversations.replay + own) * replayTokens + conversations.new * newTokens);
  const measurements = {
    models: variantsOf(spec).length,
    whileTraining: train.evalSteps === undefined ? 0 : trainedOf(spec) * Math.floor(steps / train.evalSteps),
  };
  const device = deviceOf(spec);
  const parameters = targetParameters(spec);
  return {
    device,
    conversations,
    tokens,
    measurements,
    hours:
      parameters === null
        ? null
        : (2 * parameters * tokens * (measurements.models + measurements.whileTraining)) / deviceFlops(device, a) / 3600,
  };
}

/** Steps, tokens and device hours of full SFT: 6 FLOP a parameter and token, 8 when activations are computed again. */
export function planTraining(
  spec: RunSpec,
  a: Assumptions,
  mixture: { readonly replay: number; readonly new: number; readonly total: number },
  known: KnownCounts,
): TrainingCost {
  const { train } = spec;
  const tuning = fineTuningOf(spec);
  if (tuning !== undefined) return planFineTuning(spec, a, tuning, mixture, known);
  const device = deviceOf(spec);
  const parameters = targetParameters(spec);
  const devices =
    known.trainingProcesses ??
    (parameters === null ? null : device === 'cpu' ? 1 : trainingGpus(parameters, bytesPerParameter(train, a), a.gpuMemoryGB * 1e9));
  const batch = train.perDeviceBatchSize * train.gradientAccumulation * (devices ?? 1);
  const steps = train.maxSteps ?? Math.max(1, Math.ceil((mixture.total * train.epochs) / batch));
  const examples = train.maxSteps === undefined ? Math.round(mixture.total * train.epochs) : steps * batch;
  const tokens = Math.round(examples * Math.min(train.maxLength, tokensPerExample(spec, a, mixture, known)));
  const flop = (parameters ?? 0) * tokens * (train.gradientCheckpointing ? 8 : 6);
  return {
    trainings: trainedOf(spec),
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

function trainedOf(spec: RunSpec): number {
  return variantsOf(spec).filter(({ replay }) => replay !== null).length;
}

type Mixture = Parameters<typeof planTraining>[2];

/** Of an endpoint nothing is known but what it is given, and its price. */
function planFineTuning(
  spec: RunSpec,
  a: Assumptions,
  { model, epochs, batchSize }: FineTuning,
  mixture: Mixture,
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

function tokensPerExample(spec: RunSpec, a: Assumptions, mixture: Mixture, known: KnownCounts): number {
  return tokensOfExample(spec, a, mixture.total === 0 ? 0 : mixture.new / mixture.total, known);
}

/** Mean over examples of which a share, 0 to 1, is new data. */
function tokensOfExample(spec: RunSpec, a: Assumptions, share: number, known: KnownCounts): number {
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

interface TaskLoad {
  /** Documents of the public dataset. */
  readonly documents: number;
  readonly promptTokens: number;
  /** Mean length of what is written, and the leaderboard's own limit. */
  readonly generated: number;
}

/** Sizes of the public test sets and rough lengths of the leaderboard's prompts (few-shot examples included). */
const TASK_LOADS: Readonly<Record<LeaderboardTask, TaskLoad>> = {
  mmlu_pro: { documents: 12_032, promptTokens: 1500, generated: 0 },
  gpqa: { documents: 1192, promptTokens: 1000, generated: 0 },
  ifeval: { documents: 541, promptTokens: 60, generated: 350 },
  math_level_5: { documents: 1324, promptTokens: 850, generated: 400 },
};

/** Of a task whose documents are not known here; a guess, as most of the harness's tasks are of this order. */
const OTHER_TASK_LOAD: TaskLoad = { documents: 1500, promptTokens: 500, generated: 100 };

/** Documents, tokens and device hours of evaluating every row of the table. */
export function planEvaluation(spec: RunSpec, a: Assumptions, known: Readonly<Partial<Record<LeaderboardTask, number>>>): EvaluationCost {
  const models = variantsOf(spec).length;
  let documents = 0;
  let promptTokens = 0;
  let generatedTokens = 0;
  for (const { task, limit, maxGenToks } of spec.evaluate.tasks) {
    const [load, documentsOf] = isLeaderboardTask(task) ? [TASK_LOADS[task], known[task]] : [OTHER_TASK_LOAD, undefined];
    const count = Math.min(limit ?? Infinity, documentsOf ?? load.documents);
    documents += models * count;
    promptTokens += models * count * load.promptTokens;
    generatedTokens += models * count * Math.min(load.generated, maxGenToks ?? Infinity);
  }
  const tuning = fineTuningOf(spec);
  if (tuning !== undefined) {
    const price = spec.models[tuning.model]?.price;
    const usage = { promptTokens, completionTokens: generatedTokens };
    return {
      models,
      device: 'provider',
      documents,
      promptTokens,
      generatedTokens,
      hours: null,
      usd: price === undefined ? null : usdOf(usage, price),
    };
  }
  const device = deviceOf(spec);
  const parameters = targetParameters(spec);
  return {
    models,
    device,
    documents,
    promptTokens,
    generatedTokens,
    usd: null,
    hours: parameters === null ? null : evaluationSeconds(spec, a, device, parameters, { promptTokens, generatedTokens }) / 3600,
  };
}

function evaluationSeconds(
  spec: RunSpec,
  a: Assumptions,
  device: Device,
  parameters: number,
  tokens: { promptTokens: number; generatedTokens: number },
): number {
  const reading = (2 * parameters * tokens.promptTokens) / deviceFlops(device, a);
  if (device === 'cpu') return reading + tokens.generatedTokens / ((a.cpuEvalTokensPerSecond * 135e6) / parameters);
  // Writing is bound by reading the weights once a token for the whole batch. A model on several GPUs keeps them all.
  const gpus = Math.max(1, Math.ceil((parameters * 2 * 1.2) / (a.gpuMemoryGB * 1e9)));
  const tokensPerSecond = (spec.evaluate.batchSize * a.gpuBandwidthGBs * 1e9 * 0.4) / (2 * parameters);
  return gpus * (reading + tokens.generatedTokens / tokensPerSecond);
}

function deviceFlops(device: Device, a: Assumptions): number {
  return device === 'cpu' ? a.cpuGflops * 1e9 : a.gpuTflops * 1e12 * a.gpuUtilization;
}

/** Of adapters, the frozen weights; their own state is a few hundredths of that. */
function bytesPerParameter({ lora, dtype }: RunSpec['train'], a: Assumptions): number {
  if (lora === undefined) return a.trainingBytesPerParameter;
  if (lora.quantize) return 0.6;
  return dtype === 'bfloat16' ? 2.1 : 4.1;
}

/** Who sets CPU threads, or asks for it, means a CPU. */
function deviceOf(spec: RunSpec): Device {
  return spec.train.threads === undefined && spec.train.accelerate !== 'cpu' ? 'gpu' : 'cpu';
}

function targetParameters(spec: RunSpec): number | null {
  return parametersOf(spec.target.weights ?? '') ?? parametersOf(spec.models[spec.target.model]?.model ?? '');
}
