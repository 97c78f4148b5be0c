import type { RunSpec } from '../../config/spec';
import type { SpecProblem } from '../../config/spec-errors';
import { excludedRowProblem } from '../data/excluded-rows';
import { lineRows } from '../data/placed-rows';
import { checkDataFile } from './data-file-check';

/** Reads the file of flagged rows: what is wrong with its lines. One without a line is a file from which all flags were taken. */
export async function excludeProblems({ mix: { exclude }, synthesis: { extract } }: RunSpec): Promise<readonly SpecProblem[]> {
  if (exclude === undefined) return [];
  const { problems } = await checkDataFile(lineRows(exclude), exclude, {
    place: 'mix.exclude',
    expected: 'one {"id": …, "reason": …} a line, as "rehearse view" writes it',
    kind: 'a JSONL file',
    mayBeEmpty: true,
    check: (row) => excludedRowProblem(row, extract.instructions),
  });
  return problems;
}
