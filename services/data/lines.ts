import { createReadStream } from 'node:fs';

/** A line of a text file, with its 1-based number. */
export interface TextLine {
  readonly line: number;
  readonly text: string;
}

/**
 * The lines of a UTF-8 file that hold something, one at a time, without a byte order mark.
 * @throws the file system's error
 */
export async function* readLines(path: string): AsyncGenerator<TextLine> {
  const input = createReadStream(path, { encoding: 'utf8' });
  let line = 0;
  try {
    for await (const raw of linesOf(input)) {
      line++;
      const text = line === 1 ? raw.replace(/^\uFEFF/, '') : raw;
      if (text.trim() !== '') yield { line, text };
    }
  } finally {
    input.destroy();
  }
}

/**
 * The lines of a text that comes in pieces, without their ends. Only `\n` and `\r\n` end a line: JSON may hold U+2028 and U+2029
 * as they are, where Node's readline, from 24 on, ends one.
 */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    // Only what is new is searched: a large file may be one line.
    const [first = '', ...others] = piece.split('\n');
    const lines = [rest + first, ...others];
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}
