import { showValue } from '../../config/spec-errors';
import type { RowProblem } from './data-rows';

/** Thrown by what reads one row, caught by {@link conversationOf}: what is wrong with it. */
export class RowError extends Error {
  readonly problem: RowProblem;

  constructor(problem: RowProblem) {
    super(`${problem.path} is ${problem.value} where ${problem.expected} belongs`);
    this.problem = problem;
  }
}

/** @throws RowError: at `path` is `value`, where something else belongs */
export function refuse(path: string, value: unknown, expected: string): never {
  throw new RowError({ path, value: showValue(value), expected });
}

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a column holds; Parquet files say null where a JSON file leaves a key out. */
export function given(row: Mapping, key: string): unknown {
  const value = Object.hasOwn(row, key) ? row[key] : undefined;
  return value === null ? undefined : value;
}
