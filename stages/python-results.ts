import { z } from 'zod';

/** Results of Python jobs that are kept with a stage output. The protocol's other messages: services/python/python-protocol.ts. */

/** Version of the protocol between the workers and `python -m rehearse_ml`. */
export const PYTHON_PROTOCOL = 1;

const maybe = z.number().nullable();

/** `result.json` of `sft`. */
export const sftResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('sft'),
  checkpointDir: z.string(),
  /** Processes that trained together, each with batches of its own. */
  processes: z.number().optional(),
  steps: z.number(),
  examples: z.number(),
  tokens: z.number(),
  trainedTokens: z.number(),
  truncated: z.number(),
  /** Examples of which the cut left nothing to train on. */
  dropped: z.number().optional(),
  /** Examples that the model's chat template does not take, by reason; they were left out. */
  unrenderable: z.record(z.string(), z.number()).optional(),
  /** Examples in whose words a control token is written; it was encoded as text. */
  controlTexts: z.number().optional(),
  /** Answers that had thoughts, trained with them and without. */
  thoughtsKept: z.number().optional(),
  thoughtsLeftOut: z.number().optional(),
  lossCurve: z.array(z.looseObject({ step: z.number(), loss: z.number(), learningRate: maybe.optional(), gradNorm: maybe.optional() })),
  /** Loss on the held-out rows, at the steps at which it was taken. */
  evalCurve: z.array(z.looseObject({ step: z.number(), loss: maybe })).optional(),
  seconds: z.number(),
  versions: z.record(z.string(), z.string()),
  weightsSha256: z.string(),
});

export type SftResult = z.output<typeof sftResultSchema>;

/** `result.json` of `interpolate`. */
export const interpolateResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('interpolate'),
  checkpointDir: z.string(),
  /** Part of the trained weights. */
  weight: z.number(),
  seconds: z.number(),
  versions: z.record(z.string(), z.string()),
  weightsSha256: z.string(),
});

export type InterpolateResult = z.output<typeof interpolateResultSchema>;

/** What `evaluate` says of one task. */
export const taskScoreSchema = z.looseObject({
  task: z.string(),
  metrics: z.record(z.string(), z.number()),
  stderr: z.record(z.string(), maybe),
  primary: z.looseObject({ name: z.string(), value: z.number(), stderr: maybe }),
  normalized: z.number(),
  documents: z.number(),
  requests: z.number().optional(),
  fewshot: maybe.optional(),
  subtasks: z.record(z.string(), z.record(z.string(), maybe)).optional(),
  seconds: z.number().optional(),
  /** Answers that the model wrote, and those of them that the token limit ended; absent where given answers are scored. */
  generated: z.number().optional(),
  cut: z.number().optional(),
});

/** `losses/<name>.json` of `evaluate`: the loss on conversations that were not trained on, assistant tokens only. */
export const heldOutLossSchema = z.looseObject({
  name: z.string(),
  /** Mean over all tokens, in nats. */
  loss: z.number(),
  tokens: z.number(),
  conversations: z.number(),
  truncated: z.number(),
  /** Conversations of which truncation left no token to measure. */
  dropped: z.number(),
  /** JSONL of {@link conversationLossSchema}, in the order of the conversations. */
  perConversation: z.string(),
});

/** `result.json` of `evaluate`. */
export const evaluateResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('evaluate'),
  tasks: z.array(taskScoreSchema),
  /** Null without tasks. */
  average: z.number().nullable(),
  /** Of the spec's `losses`; absent where it asked for none. */
  losses: z.array(heldOutLossSchema).optional(),
  seconds: z.number(),
  versions: z.record(z.string(), z.string()),
  weightsSha256: z.string(),
});

export type EvaluateResult = z.output<typeof evaluateResultSchema>;
