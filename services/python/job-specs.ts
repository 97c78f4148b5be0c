import { z } from 'zod';

/**
 * What each command of `python -m rehearse_ml` is given, besides `protocol` (see python/rehearse_ml/spec.py). A field is
 * optional where Python has a default for it; test/ties compares names, types and defaults of both ends.
 */

const text = z.string();
const count = z.int();
const dtype = z.enum(['float32', 'bfloat16']);
/** What a chat template is told is today, YYYY-MM-DD; the true day without it. */
const date = text;
const thoughts = z.enum(['drop', 'keep']);

/** Where a job keeps its checkpoints, its log and its result. */
const base = { outputDir: text };

export const convertSpecSchema = z.strictObject({ ...base, gguf: text });

export interface ConvertJobSpec extends Readonly<z.output<typeof convertSpecSchema>> {}

const tracker = z.enum(['trackio', 'wandb', 'mlflow', 'tensorboard']);

export const sftSpecSchema = z.strictObject({
  ...base,
  /** Directory or hub id. */
  weights: text,
  revision: text.nullable(),
  /** JSONL of conversations; see services/data/conversations.ts. */
  mixture: text,
  evalMixture: text.nullable(),
  learningRate: z.number(),
  epochs: z.number(),
  maxSteps: count.nullable(),
  perDeviceBatchSize: count,
  gradientAccumulation: count,
  /** Tokens of one conversation. */
  maxLength: count,
  packing: z.boolean(),
  scheduler: z.enum(['linear', 'cosine', 'constant', 'constant_with_warmup', 'inverse_sqrt']),
  warmupRatio: z.number(),
  weightDecay: z.number(),
  seed: count,
  dtype,
  gradientCheckpointing: z.boolean(),
  saveSteps: count,
  loggingSteps: count,
  threads: count.nullable(),
  evalSteps: count.nullable().optional(),
  lora: z
    .strictObject({ rank: count, alpha: count, dropout: z.number(), targets: z.array(text).readonly().nullable(), quantize: z.boolean() })
    .nullable()
    .optional(),
  osf: z
    .strictObject({ effectiveRank: z.number(), targets: z.array(text).readonly().nullable() })
    .nullable()
    .optional(),
  sdft: z.strictObject({ generations: count, maxTokens: count, temperature: z.number() }).nullable().optional(),
  distill: z
    .strictObject({ learningRate: z.number(), epochs: z.number(), maxSteps: count.nullable(), maxTokens: count, temperature: z.number() })
    .nullable()
    .optional(),
  /** Of a distillation: JSONL of conversations, whose last questions are put to the model. */
  prompts: text.nullable().optional(),
  /** A YAML file of `accelerate config`. */
  accelerate: text.nullable().optional(),
  /** Whether answers are trained with the thoughts that they have; dropped by default. */
  thoughts: thoughts.nullable().optional(),
  date: date.nullable().optional(),
  reportTo: z.array(tracker).readonly().optional(),
  /** As trackers call the training. */
  runName: text.nullable().optional(),
});

export interface SftJobSpec extends Readonly<z.output<typeof sftSpecSchema>> {}

export const interpolateSpecSchema = z.strictObject({
  ...base,
  /** Directory or hub id of the official model. */
  weights: text,
  revision: text.nullable(),
  /** Directory of the trained one. */
  trained: text,
  /** Part of the trained one. */
  weight: z.number(),
});

export interface InterpolateJobSpec extends Readonly<z.output<typeof interpolateSpecSchema>> {}

export const weightsSpecSchema = z.strictObject({ ...base, weights: text, revision: text.nullable(), hashes: text.nullable() });

export interface WeightsJobSpec extends Readonly<z.output<typeof weightsSpecSchema>> {}

const evaluateTaskSchema = z.strictObject({
  task: text,
  /** JSONL files by split; null for the hub's. */
  data: z.record(text, text).nullable(),
  limit: count.nullable(),
  numFewshot: count.nullable(),
  maxGenToks: count.nullable(),
  subset: z.enum(['diamond', 'extended', 'main']).nullable().optional(),
  metric: text.nullable().optional(),
  randomBaseline: z.number().nullable().optional(),
});

const thinking = z.strictObject({ mode: z.enum(['off', 'on']), endToken: text.nullable().optional() });

export const evaluateSpecSchema = z.strictObject({
  ...base,
  /** Behind an endpoint only its tokenizer; null behind a chat API. */
  weights: text.nullable(),
  revision: text.nullable(),
  backend: z.enum(['transformers', 'vllm']).optional(),
  vllm: z
    .strictObject({
      tensorParallel: count.optional(),
      gpuMemoryUtilization: z.number().optional(),
      maxModelLen: count.nullable().optional(),
    })
    .optional(),
  endpoint: z.strictObject({ baseURL: text, model: text, apiKeyEnv: text.nullable(), chat: z.boolean() }).nullable().optional(),
  /** Other weights are refused. */
  contentSha256: text.nullable().optional(),
  hashes: text.nullable().optional(),
  tasks: z.array(evaluateTaskSchema).readonly(),
  losses: z
    .array(z.strictObject({ name: text, conversations: text, maxLength: count.optional(), thoughts: thoughts.nullable().optional() }))
    .readonly()
    .optional(),
  batchSize: count,
  dtype,
  seed: count,
  threads: count.nullable(),
  thinking: thinking.nullable().optional(),
  date: date.nullable().optional(),
});

export interface EvaluateJobSpec extends Readonly<z.output<typeof evaluateSpecSchema>> {}

export const renderSpecSchema = z.strictObject({
  ...base,
  /** Directory or hub id. */
  weights: text,
  revision: text.nullable(),
  /** JSONL, as for `sft`. */
  conversations: text,
  /** What errors call them. */
  named: text,
  thoughts: thoughts.nullable().optional(),
  /** Refused where they would be scored on thoughts. */
  tasks: z.array(evaluateTaskSchema).readonly().optional(),
  thinking: thinking.nullable().optional(),
  date: date.nullable().optional(),
});

export interface RenderJobSpec extends Readonly<z.output<typeof renderSpecSchema>> {}

export const tasksSpecSchema = z.strictObject({ ...base, tasks: z.array(text).readonly() });

export interface TasksJobSpec extends Readonly<z.output<typeof tasksSpecSchema>> {}

export const trackersSpecSchema = z.strictObject({ ...base, trackers: z.array(tracker).readonly() });

export interface TrackersJobSpec extends Readonly<z.output<typeof trackersSpecSchema>> {}

export const documentsSpecSchema = z.strictObject({ ...base, task: z.enum(['mmlu_pro', 'gpqa', 'ifeval', 'math_level_5']) });

export interface DocumentsJobSpec extends Readonly<z.output<typeof documentsSpecSchema>> {}

export const datasetsSpecSchema = z.strictObject({
  ...base,
  source: z.discriminatedUnion('from', [
    z.strictObject({
      from: z.literal('hub'),
      hub: text,
      revision: text.nullable(),
      config: text.nullable(),
      /** Empty for all. */
      splits: z.array(text).readonly(),
      streaming: z.boolean(),
    }),
    z.strictObject({ from: z.literal('files'), files: z.array(text).readonly() }),
  ]),
  schema: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.enum(['messages', 'sharegpt']), column: text }),
    z.strictObject({ kind: z.literal('alpaca') }),
    z.strictObject({ kind: z.literal('prompt-completion') }),
    /** Rows as they are, with their place, for the caller to look at. */
    z.strictObject({ kind: z.literal('raw') }),
  ]),
  count,
  seed: count,
});

export interface DatasetsJobSpec extends Readonly<z.output<typeof datasetsSpecSchema>> {}
