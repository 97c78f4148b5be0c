import type { z } from 'zod';
import { formatPath, showValue } from '../../config/spec-errors';
import { expectation } from '../../config/spec-issues';

/** What is wrong with a line of a data file. */
export interface RowProblem {
  /** Place within the line, such as `messages[1].role`; `row` for the whole. */
  readonly path: string;
  readonly value: string;
  readonly expected: string;
}

/** zod's first finding, in the words that specs get too. */
export function firstProblem(issue: z.core.$ZodIssue | undefined): RowProblem {
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
