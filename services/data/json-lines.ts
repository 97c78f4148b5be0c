import { DataFileError } from './data-file-error';
import { parseJson } from './json-text';
import { readLines } from './lines';

/** A parsed line of a JSONL file, with its 1-based number. */
export interface JsonLine {
  readonly line: number;
  readonly row: unknown;
}

/**
 * The lines of a JSONL file, one at a time; empty ones are skipped.
 * @throws DataFileError that names the file and the line that is no JSON; the file system's error
 */
export async function* readJsonLines(path: string): AsyncGenerator<JsonLine> {
  for await (const { line, text } of readLines(path)) {
    const parsed = parseJson(text);
    if (parsed.problem !== undefined) throw new DataFileError(path, `line ${line}: ${parsed.problem}`, 'fix that line');
    yield { line, row: parsed.row };
  }
}
