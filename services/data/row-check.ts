import type { PlacedRow } from './placed-rows';

/** One thing that is wrong with a data file. */
export interface PlaceProblem {
  /** `line 3`. */
  readonly place: string;
  readonly message: string;
}

export interface RowCheck {
  /** Rows that are fine. */
  readonly rows: number;
  /** Rows of which `counts` was true. */
  readonly counted: number;
  /** Characters of all rows. */
  readonly characters: number;
  /** The first problems, in order; at most `maxProblems`. */
  readonly problems: readonly PlaceProblem[];
  /** All bad rows. */
  readonly bad: number;
}

export interface RowCheckOptions {
  /** One sentence's worth of what is wrong with a row, or null. */
  readonly check: (row: unknown) => string | null;
  /** Rows to be counted apart; all, without it. */
  readonly counts?: (row: unknown) => boolean;
  /** Most problems kept, so that a wrong file does not fill the screen. */
  readonly maxProblems: number;
}

/**
 * Checks every row of a data file, in constant memory.
 * @throws what reading the rows throws
 */
export async function checkRows(placed: AsyncIterable<PlacedRow>, options: RowCheckOptions): Promise<RowCheck> {
  const problems: PlaceProblem[] = [];
  let rows = 0;
  let counted = 0;
  let characters = 0;
  let bad = 0;
  for await (const { place, row, problem, characters: length } of placed) {
    characters += length;
    const message = problem ?? options.check(row);
    if (message === null) {
      rows += 1;
      if (options.counts?.(row) ?? true) counted += 1;
      continue;
    }
    bad += 1;
    if (problems.length < options.maxProblems) problems.push({ place, message });
  }
  return { rows, counted, characters, problems, bad };
}
