import { readLines } from './lines';

/** One thing that is wrong with a JSONL file. */
export interface LineProblem {
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

export interface JsonlCheck {
  /** Rows that are fine. */
  readonly rows: number;
  /** Rows of which `counts` was true. */
  readonly counted: number;
  /** Characters of all lines. */
  readonly characters: number;
  /** The first problems, in order of lines; at most `maxProblems`. */
  readonly problems: readonly LineProblem[];
  /** All bad lines. */
  readonly badLines: number;
}

export interface JsonlCheckOptions {
  /** One sentence's worth of what is wrong with a row, or null. */
  readonly check: (row: unknown) => string | null;
  /** Rows to be counted apart; all, without it. */
  readonly counts?: (row: unknown) => boolean;
  /** Most problems kept, so that a wrong file does not fill the screen. */
  readonly maxProblems: number;
}

/**
 * Reads a JSONL file line by line, in constant memory, and checks every row. Empty lines are skipped.
 * @throws Error of the file system when the file cannot be read
 */
export async function checkJsonl(path: string, options: JsonlCheckOptions): Promise<JsonlCheck> {
  const problems: LineProblem[] = [];
  let rows = 0;
  let counted = 0;
  let characters = 0;
  let badLines = 0;
  for await (const { line, text } of readLines(path)) {
    characters += text.length;
    const found = problemOfLine(text, options.check);
    if (found.message === null) {
      rows += 1;
      if (options.counts?.(found.row) ?? true) counted += 1;
      continue;
    }
    badLines += 1;
    if (problems.length < options.maxProblems) problems.push({ line, message: found.message });
  }
  return { rows, counted, characters, problems, badLines };
}

function problemOfLine(line: string, check: JsonlCheckOptions['check']): { readonly row: unknown; readonly message: string | null } {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\s+/g, ' ').slice(0, 120) : String(error);
    return { row: undefined, message: `no JSON (${reason})` };
  }
  return { row, message: check(row) };
}
