import type { SpecProblem } from '../../config/spec-errors';
import { DataFileError } from '../data/data-file-error';
import type { RowProblem } from '../data/data-rows';
import type { PlacedRow } from '../data/placed-rows';
import { checkRows } from '../data/row-check';
import { reasonOf, shownPath } from './file-messages';

/** Problems told of one file; the others are counted. */
const MAX_PROBLEMS_PER_FILE = 5;

export interface DataFileChecks {
  /** Where the spec names the file. */
  readonly place: string;
  /** What its rows have to be. */
  readonly expected: string;
  /** What the file has to be. */
  readonly kind: string;
  readonly check: (row: unknown) => RowProblem | null;
  readonly counts?: (row: unknown) => boolean;
  /** Whether a file without a row is fine. */
  readonly mayBeEmpty?: boolean;
}

export interface CheckedFile {
  readonly problems: readonly SpecProblem[];
  /** Rows that count; undefined when the file could not be read, as are `characters`. */
  readonly counted?: number;
  readonly characters?: number;
}

/** Reads a whole data file and puts what is wrong with it into sentences: of its first bad rows, or of itself. */
export async function checkDataFile(
  rows: AsyncIterable<PlacedRow>,
  path: string,
  { place: at, expected, kind, check, counts, mayBeEmpty = false }: DataFileChecks,
): Promise<CheckedFile> {
  const shown = JSON.stringify(shownPath(path));
  try {
    const read = await checkRows(rows, {
      check(row) {
        const found = check(row);
        return found === null ? null : `${found.path} is ${found.value} where ${found.expected} belongs`;
      },
      counts,
      maxProblems: MAX_PROBLEMS_PER_FILE,
    });
    const problems = read.problems.map(({ place, message }): SpecProblem => ({
      path: at,
      value: `${shown} ${place}: ${message}`,
      expected,
      hint: `fix that ${place.split(' ')[0]}`,
    }));
    if (read.bad > problems.length) {
      problems.push({ path: at, value: `${read.bad - problems.length} more bad lines in ${shown}`, expected, hint: 'fix them all' });
    }
    if (read.bad === 0 && read.counted === 0 && !mayBeEmpty) {
      problems.push({ path: at, value: `${shown} without a row that counts`, expected, hint: 'add rows, or name another file' });
    }
    return { problems, counted: read.counted, characters: read.characters };
  } catch (error) {
    const hint = error instanceof DataFileError ? error.hint : "relative paths start at the spec's own folder";
    return { problems: [{ path: at, value: `${shown} (${reasonOf(error)})`, expected: `${kind} that can be read, ${expected}`, hint }] };
  }
}
