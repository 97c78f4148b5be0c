import { readLines } from './lines';

/** A parsed line of a JSONL file, with its 1-based number. */
export interface JsonLine {
  readonly line: number;
  readonly row: unknown;
}

/**
 * The lines of a JSONL file, one at a time; empty ones are skipped.
 * @throws Error that names the file and the line that is no JSON; the file system's error
 */
export async function* readJsonLines(path: string): AsyncGenerator<JsonLine> {
  for await (const { line, text } of readLines(path)) yield { line, row: parse(text, path, line) };
}

function parse(text: string, path: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} line ${line} is no JSON: ${(cause as Error).message}; fix that line`, { cause });
  }
}
