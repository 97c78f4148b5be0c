import { z } from 'zod';
import { formatPath, showValue } from '../../config/spec-errors';
import { expectation } from '../../config/spec-issues';
import type { LeaderboardTask } from '../../method/forgetting';

const message = z.looseObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() });

/** One line of new SFT data; other keys are allowed and ignored. */
const conversation = z.looseObject({ messages: z.array(message).min(1) });

const text = z.string().min(1);

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
    key: z.union([z.number(), z.string()]),
    prompt: text,
    instruction_id_list: z.array(text).min(1),
    kwargs: z.array(z.looseObject({})).min(1),
  }),
  math_level_5: z.looseObject({ problem: text, level: text, type: text, solution: text }),
};

/** What is wrong with a line of a data file. */
export interface RowProblem {
  /** Place within the line, such as `messages[1].role`; `row` for the whole. */
  readonly path: string;
  readonly value: string;
  readonly expected: string;
}

/**
 * Checks one parsed line of new SFT data: an optional system message, then user and assistant in turn, the assistant last,
 * nothing empty. Null when it is fine.
 */
export function conversationProblem(row: unknown): RowProblem | null {
  const parsed = conversation.safeParse(row, { reportInput: true });
  if (!parsed.success) return firstProblem(parsed.error.issues[0]);
  const { messages } = parsed.data;
  const start = messages[0]?.role === 'system' ? 1 : 0;
  for (const [index, { role, content }] of messages.entries()) {
    if (content.trim() === '') {
      return {
        path: `messages[${index}].content`,
        value: content === '' ? 'an empty text' : 'only white space',
        expected: `what the ${role} says`,
      };
    }
    if (index < start) continue;
    const expected = (index - start) % 2 === 0 ? 'user' : 'assistant';
    if (role !== expected) {
      return {
        path: `messages[${index}].role`,
        value: JSON.stringify(role),
        expected: `"${expected}" (an optional system message, then user and assistant in turn)`,
      };
    }
  }
  const last = messages.at(-1);
  if (last?.role !== 'assistant') {
    return { path: 'messages', value: `a last message by the ${last?.role}`, expected: "the assistant's answer at the end" };
  }
  return null;
}

/** Checks one parsed line of local evaluation data against its dataset's columns. Null when it is fine. */
export function evaluationRowProblem(task: LeaderboardTask, row: unknown): RowProblem | null {
  const parsed = TASK_COLUMNS[task].safeParse(row, { reportInput: true });
  if (!parsed.success) return firstProblem(parsed.error.issues[0]);
  const columns = parsed.data as { options?: unknown[]; answer?: string; instruction_id_list?: unknown[]; kwargs?: unknown[] };
  if (task === 'mmlu_pro' && columns.options !== undefined && columns.answer !== undefined) {
    const last = String.fromCharCode(64 + columns.options.length);
    if (columns.answer > last) {
      return { path: 'answer', value: JSON.stringify(columns.answer), expected: `a letter from A to ${last}, one for each option` };
    }
  }
  if (task === 'ifeval' && columns.kwargs?.length !== columns.instruction_id_list?.length) {
    return {
      path: 'kwargs',
      value: `a list of ${columns.kwargs?.length}`,
      expected: `one entry for each of the ${columns.instruction_id_list?.length} in instruction_id_list`,
    };
  }
  return null;
}

/** Whether the leaderboard's MATH task keeps a document: only the hardest level is measured. */
export function isMeasured(task: LeaderboardTask, row: unknown): boolean {
  return task !== 'math_level_5' || (row as { level?: unknown }).level === 'Level 5';
}

/** zod's first finding, in the words that specs get too. */
function firstProblem(issue: z.core.$ZodIssue | undefined): RowProblem {
  if (issue === undefined) return { path: 'row', value: 'something else', expected: 'another row' };
  const path = issue.path.length === 0 ? 'row' : formatPath(issue.path);
  const value = showValue(issue.input);
  if (issue.code === 'invalid_type') {
    return { path, value, expected: KINDS[issue.expected] ?? issue.expected };
  }
  if (issue.code === 'invalid_value') return { path, value, expected: expectation({ enum: issue.values.map(String) }) };
  if (issue.code === 'too_small') {
    return {
      path,
      value: issue.origin === 'string' ? 'an empty text' : value,
      expected: issue.origin === 'array' ? `a list of at least ${issue.minimum}` : 'a text that is not empty',
    };
  }
  return { path, value, expected: issue.message.replace(/^expected /, '') };
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'a mapping',
  number: 'a number',
  boolean: 'true or false',
};
