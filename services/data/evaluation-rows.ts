import { z } from 'zod';
import type { LeaderboardTask } from '../../method/forgetting';
import { firstProblem, type RowProblem } from './data-rows';
import { ifevalProblem } from './ifeval-rules';
import { isBlank } from './json-text';

/** The harness names options by the letters of the alphabet. */
const MOST_OPTIONS = 26;

/** The subjects of MATH, by which the leaderboard's tasks are told apart. */
const MATH_TYPES: readonly string[] = [
  'Algebra',
  'Counting & Probability',
  'Geometry',
  'Intermediate Algebra',
  'Number Theory',
  'Prealgebra',
  'Precalculus',
];

const text = z
  .string()
  .min(1)
  .refine((value) => !isBlank(value), 'expected a text that is not empty');

/** Columns that the leaderboard's task code reads of each dataset (their cards on the hub; lm_eval/tasks/leaderboard). */
const TASK_COLUMNS: Readonly<Record<LeaderboardTask, z.ZodType>> = {
  mmlu_pro: z.looseObject({
    question: text,
    options: z.array(z.string()).min(2),
    answer: z.string().regex(/^[A-Z]$/, 'expected one capital letter'),
  }),
  gpqa: z.looseObject({
    Question: text,
    'Correct Answer': text,
    'Incorrect Answer 1': text,
    'Incorrect Answer 2': text,
    'Incorrect Answer 3': text,
  }),
  ifeval: z.looseObject({
    key: z.union([z.int(), z.string()]),
    prompt: text,
    instruction_id_list: z.array(text).min(1),
    kwargs: z.array(z.looseObject({})).min(1),
  }),
  math_level_5: z.looseObject({ problem: text, level: text, type: text, solution: text }),
};

/** Checks one parsed line of local evaluation data against its dataset's columns. Null when it is fine. */
export function evaluationRowProblem(task: LeaderboardTask, row: unknown): RowProblem | null {
  const parsed = TASK_COLUMNS[task].safeParse(row, { reportInput: true });
  if (!parsed.success) return firstProblem(parsed.error.issues[0]);
  const columns = parsed.data as {
    readonly options?: readonly unknown[];
    readonly answer?: string;
    readonly instruction_id_list?: readonly string[];
    readonly kwargs?: readonly Record<string, unknown>[];
    readonly type?: string;
  };
  if (task === 'mmlu_pro' && columns.options !== undefined && columns.answer !== undefined) {
    if (columns.options.length > MOST_OPTIONS) {
      return { path: 'options', value: `a list of ${columns.options.length}`, expected: `at most ${MOST_OPTIONS}, one for each letter` };
    }
    const last = String.fromCharCode(64 + columns.options.length);
    if (columns.answer > last) {
      return { path: 'answer', value: JSON.stringify(columns.answer), expected: `a letter from A to ${last}, one for each option` };
    }
  }
  if (task === 'ifeval' && columns.instruction_id_list !== undefined && columns.kwargs !== undefined) {
    if (columns.kwargs.length !== columns.instruction_id_list.length) {
      return {
        path: 'kwargs',
        value: `a list of ${columns.kwargs.length}`,
        expected: `one entry for each of the ${columns.instruction_id_list.length} in instruction_id_list`,
      };
    }
    return ifevalProblem(columns.instruction_id_list, columns.kwargs);
  }
  if (task === 'math_level_5' && isMeasured(task, row) && !MATH_TYPES.includes(columns.type ?? '')) {
    return { path: 'type', value: JSON.stringify(columns.type), expected: `one of the subjects ${MATH_TYPES.join(', ')}` };
  }
  return null;
}

/** Whether the leaderboard's MATH task keeps a document: only the hardest level is measured. */
export function isMeasured(task: LeaderboardTask, row: unknown): boolean {
  return task !== 'math_level_5' || (row as { level?: unknown }).level === 'Level 5';
}
