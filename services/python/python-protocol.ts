import { z } from 'zod';
import { PYTHON_PROTOCOL, taskScoreSchema } from '../../stages/python-results';

/** Kinds of error that a job can end with, and whether another try on the same input may succeed. */
export const RETRYABLE_KINDS = {
  bad_spec: false,
  bad_data: false,
  dataset_not_found: false,
  hub_unreachable: true,
  weights_not_found: false,
  weights_changed: false,
  chat_template: false,
  tokenizer_mismatch: false,
  backend_missing: false,
  endpoint_refused: false,
  endpoint_unavailable: true,
  out_of_memory: false,
  nan_loss: false,
  disk_full: true,
  missing_gpu: false,
  missing_package: false,
  dtype_refused: false,
  interrupted: true,
  /** An internal error that came three times in a row. */
  repeated: false,
  internal: true,
} as const satisfies Readonly<Record<string, boolean>>;

export type PythonErrorKind = keyof typeof RETRYABLE_KINDS;

/** Phase of `evaluate` that counts its tasks; a phase by a task's name counts the requests of that task. */
export const TASKS_PHASE = 'tasks';

/** Folder in the `outputDir` of `evaluate` that holds `<task>.json` of each task that is done. */
export const TASKS_FOLDER = 'tasks';

const maybe = z.number().nullable();

const base = { v: z.literal(PYTHON_PROTOCOL), at: z.string() };

/** What a `progress` event of the phase `train` may carry. */
const trainingMetrics = {
  loss: maybe.optional(),
  learningRate: maybe.optional(),
  gradNorm: maybe.optional(),
  tokensPerSecond: maybe.optional(),
  etaSeconds: maybe.optional(),
};

/** One JSON line on a job's stdout, by its type. */
export const EVENT_SCHEMAS = [
  z.looseObject({ ...base, type: z.literal('progress'), phase: z.string(), done: z.number(), total: z.number(), ...trainingMetrics }),
  z.looseObject({ ...base, type: z.literal('log'), level: z.string(), message: z.string() }),
  z.looseObject({ ...base, type: z.literal('checkpoint'), step: z.number(), path: z.string() }),
  z.looseObject({ ...base, type: z.literal('result'), path: z.string() }),
  z.looseObject({
    ...base,
    type: z.literal('error'),
    // What another release may say is at least worth another try.
    kind: z.enum(Object.keys(RETRYABLE_KINDS) as [PythonErrorKind, ...PythonErrorKind[]]).catch('internal'),
    message: z.string(),
    hint: z.string(),
  }),
] as const;

export const pythonEventSchema = z.discriminatedUnion('type', EVENT_SCHEMAS);

export type PythonEvent = z.output<typeof pythonEventSchema>;

/** `result.json` of `convert`: weights made from a GGUF file, in its own directory. */
export const convertResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('convert'),
  gguf: z.string(),
  parameters: z.number(),
  seconds: z.number(),
  versions: z.record(z.string(), z.string()),
  weightsSha256: z.string(),
});

export type ConvertResult = z.output<typeof convertResultSchema>;

/** `result.json` of `render`: conversations that the chat template of a model takes. */
export const renderResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('render'),
  conversations: z.number(),
  /** Answers that are to be learned. */
  answers: z.number(),
  /** Conversations that have none. */
  untrained: z.number(),
  tokens: z.number(),
  /** Conversations in whose words a control token is written. */
  controlTexts: z.number(),
  seconds: z.number().optional(),
  versions: z.record(z.string(), z.string()).optional(),
});

export type RenderResult = z.output<typeof renderResultSchema>;

/** `result.json` of `tasks`. */
export const tasksResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('tasks'),
  tasks: z.array(z.string()),
  seconds: z.number().optional(),
  versions: z.record(z.string(), z.string()).optional(),
});

export type TasksResult = z.output<typeof tasksResultSchema>;

/** `result.json` of `trackers`. */
export const trackersResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('trackers'),
  trackers: z.array(z.string()),
  seconds: z.number().optional(),
  versions: z.record(z.string(), z.string()).optional(),
});

export type TrackersResult = z.output<typeof trackersResultSchema>;

/** `result.json` of `documents`. */
export const documentsResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('documents'),
  /** JSONL of {@link documentSchema}. */
  path: z.string(),
  rows: z.number(),
  sha256: z.string().optional(),
  seconds: z.number().optional(),
  versions: z.record(z.string(), z.string()).optional(),
});

export type DocumentsResult = z.output<typeof documentsResultSchema>;

/** A line of that file: one question of an evaluation set. */
export const documentSchema = z.object({ id: z.string(), text: z.string() });

/** `tasks/<task>.json` of `evaluate`: one task's scores and its documents. */
export const taskResultSchema = taskScoreSchema.extend({
  samples: z.array(
    z.looseObject({
      docId: z.union([z.number(), z.string()]),
      docHash: z.string(),
      promptHash: z.string(),
      correct: z.boolean().nullable(),
      score: maybe,
      /** Rules of the document and those that were kept, where the task has such (IFEval). */
      rules: maybe.optional(),
      rulesKept: maybe.optional(),
      filteredResponse: z.string().optional(),
      target: z.string().optional(),
    }),
  ),
});

export type TaskResult = z.output<typeof taskResultSchema>;

/** A line of that file; without an id of its own a conversation is called by its line. */
export const conversationLossSchema = z.object({ id: z.string(), loss: z.number(), tokens: z.number() });

/** `result.json` of `weights`: what weights are by their content. */
export const weightsResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('weights'),
  path: z.string(),
  sha256: z.string(),
  /** Commit of the hub; null for a local directory. */
  revision: z.string().nullable(),
  seconds: z.number().optional(),
});

export type WeightsResult = z.output<typeof weightsResultSchema>;

/** `result.json` of `datasets`: conversations drawn from a data set. */
export const datasetsResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('datasets'),
  /** JSONL file of {@link drawnConversationSchema}. */
  conversations: z.string(),
  rows: z.number(),
  /** Rows that were looked at. */
  read: z.number(),
  malformed: z.record(z.string(), z.number()),
  /** Conversations that went on with a user's turn after the last answer, which was cut. */
  trailingUserTurnsCut: z.number(),
  revision: z.string().nullable(),
  licence: z.string().nullable(),
  sha256: z.string().optional(),
  seconds: z.number(),
  versions: z.record(z.string(), z.string()),
});

export type DatasetsResult = z.output<typeof datasetsResultSchema>;

/** A line of that file, where rows are asked for as they are (`raw`). */
export const rawRowSchema = z.object({ part: z.string(), index: z.int(), row: z.unknown() });

/** A line of that file. */
export const drawnConversationSchema = z.object({
  id: z.string(),
  messages: z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })),
});
