import { z } from 'zod';
import type { RunSpec } from '../config/spec';
import { WHOLE, type Planned } from './planned';
import { taskScoreSchema } from './python-results';
import { defineStage } from './stage';
import type { Table } from './table';
import { templateDate } from './template-date';

/** One document of an evaluation. */
export interface SampleRow {
  readonly task: string;
  readonly docId: string;
  readonly docHash: string;
  readonly promptHash: string;
  readonly correct: boolean | null;
  readonly score: number | null;
  /** Where a document is a list of rules to keep, as in IFEval: how many, and how many were kept. */
  readonly rules?: number;
  readonly rulesKept?: number;
}

export const sampleTable: Table<SampleRow> = {
  schema: {
    task: 'string',
    docId: 'string',
    docHash: 'string',
    promptHash: 'string',
    correct: 'boolean',
    score: 'double',
    rules: 'int',
    rulesKept: 'int',
  },
  optional: ['rules', 'rulesKept'],
};

const taskDetailSchema = z.looseObject({ score: taskScoreSchema, versions: z.record(z.string(), z.string()) });

/** Kept with the output of a task. */
export type TaskDetail = z.output<typeof taskDetailSchema>;

/** One task on whatever model: all that counts is its content. */
export const evaluateTaskStage = defineStage({
  name: 'evaluate-task',
  version: 1,
  rowsVersion: 1,
  callsModels: false,
  table: sampleTable,
  detail: taskDetailSchema,
  /** @param modelSha256 content hash of the model: with changed weights, whatever their name, it is another key */
  key: (hash, planned: SpecAndContent, task: string, modelSha256: string) =>
    hash({ seed: planned.spec.seed, ...taskIdentity(planned, task), ...howEvaluated(planned), model: modelSha256 }),
  place: ({ spec, content }: SpecAndContent, task: string, modelSha256: string) => ({
    key: evaluateTaskKey({ spec, content }, task, modelSha256),
    part: WHOLE,
  }),
});

function evaluateTaskKey(planned: SpecAndContent, task: string, modelSha256: string): string {
  return evaluateTaskStage.key(planned, task, modelSha256);
}

type SpecAndContent = Pick<Planned<unknown>, 'spec' | 'content'>;

/** What of the spec decides a task's result on a given model, but for the backend. */
export function taskIdentity({ spec, content }: SpecAndContent, name: string): Record<string, unknown> {
  const index = spec.evaluate.tasks.findIndex(({ task }) => task === name);
  const found = spec.evaluate.tasks[index];
  if (found === undefined) throw new Error(`evaluate.tasks has no "${name}"; a validated spec cannot come here`);
  const { task, limit = null, numFewshot = null, maxGenToks = null, metric, randomBaseline } = found;
  return {
    task,
    limit,
    numFewshot,
    maxGenToks,
    documents: content.evaluation[index] ?? null,
    ...(metric === undefined ? {} : { metric }),
    ...(randomBaseline === undefined ? {} : { randomBaseline }),
  };
}

/** The backend, what the spec says of thoughts, and the template's date; absent where there is none, as in keys made before. */
function howEvaluated(planned: SpecAndContent): Record<string, unknown> {
  const { thinking } = planned.spec.evaluate;
  return { ...backendIdentity(planned.spec), ...(thinking === undefined ? {} : { thinking }), ...templateDate(planned) };
}

/** Backends differ in the last digits, and an API hides what it computes with. */
export function backendIdentity({ evaluate: { backend, dtype, openai } }: RunSpec): Record<string, unknown> {
  switch (backend) {
    case 'transformers':
      return { dtype };
    case 'vllm':
      return { dtype, backend };
    case 'openai':
      return { backend, api: openai.api };
  }
}
