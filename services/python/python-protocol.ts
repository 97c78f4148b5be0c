import { z } from 'zod';
import { PYTHON_PROTOCOL, taskScoreSchema } from '../../stages/python-results';

const base = { v: z.literal(PYTHON_PROTOCOL), at: z.string() };

/** One JSON line on a job's stdout. */
export const pythonEventSchema = z.discriminatedUnion('type', [
  z.looseObject({ ...base, type: z.literal('progress'), phase: z.string(), done: z.number(), total: z.number() }),
  z.looseObject({ ...base, type: z.literal('log'), level: z.string(), message: z.string() }),
  z.looseObject({ ...base, type: z.literal('checkpoint'), step: z.number(), path: z.string() }),
  z.looseObject({ ...base, type: z.literal('result'), path: z.string() }),
  z.looseObject({ ...base, type: z.literal('error'), kind: z.string(), message: z.string(), hint: z.string() }),
]);

export type PythonEvent = z.output<typeof pythonEventSchema>;

const maybe = z.number().nullable();

/** `result.json` of `tasks`. */
export const tasksResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('tasks'),
  tasks: z.array(z.string()),
});

export type TasksResult = z.output<typeof tasksResultSchema>;

/** `result.json` of `documents`. */
export const documentsResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('documents'),
  /** JSONL of {@link documentSchema}. */
  path: z.string(),
  rows: z.number(),
});

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
});

/** `result.json` of `datasets`: conversations drawn from a data set. */
export const datasetsResultSchema = z.looseObject({
  protocol: z.literal(PYTHON_PROTOCOL),
  kind: z.literal('datasets'),
  /** JSONL file of {id, messages}. */
  conversations: z.string(),
  rows: z.number(),
  /** Rows that were looked at. */
  read: z.number(),
  malformed: z.record(z.string(), z.number()),
  /** Conversations that went on with a user's turn after the last answer, which was cut. */
  trailingUserTurnsCut: z.number(),
  revision: z.string().nullable(),
  licence: z.string().nullable(),
  seconds: z.number(),
  versions: z.record(z.string(), z.string()),
});
