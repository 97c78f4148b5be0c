import { DataFileError } from './data-file-error';
import { BEGINNING_BYTES, foreignBeginning, foreignLine } from './encoding';
import { openRegularFile } from './regular-file';

/** A line of a text file, with its 1-based number. */
export interface TextLine {
  readonly line: number;
  readonly text: string;
}

/** No row of conversations is near this; a file without line ends is no file of JSON lines. */
const MOST_LINE_BYTES = 256 * 1024 * 1024;

/**
 * The lines of a UTF-8 file that hold something, one at a time, without a byte order mark. Python's twin is
 * python/rehearse_ml/text_lines.py.
 * @throws DataFileError, with the line, for what is no file or no UTF-8 text; the file system's error
 */
export async function* readLines(path: string): AsyncGenerator<TextLine> {
  const file = await openRegularFile(path);
  const refuse = (foreign: ReturnType<typeof foreignLine>): void => {
    if (foreign !== undefined) throw new DataFileError(path, foreign.reason, foreign.hint);
  };
  let line = 0;
  try {
    const start = Buffer.alloc(BEGINNING_BYTES);
    const { bytesRead } = await file.read(start, 0, BEGINNING_BYTES, 0);
    refuse(foreignBeginning(start.subarray(0, bytesRead)));
    for await (const bytes of linesOf(file.createReadStream({ start: 0, autoClose: false }))) {
      line++;
      refuse(foreignLine(bytes, line));
      const text = bytes.toString('utf8');
      const whole = line === 1 ? text.replace(/^\uFEFF/, '') : text;
      if (!isBlankLine(whole)) yield { line, text: whole };
    }
  } catch (error) {
    if (!(error instanceof LineTooLongError)) throw error;
    const reason = `line ${line + 1} has more than ${MOST_LINE_BYTES / 1024 / 1024} MiB`;
    throw new DataFileError(path, reason, 'write one row a line', { cause: error });
  } finally {
    await file.close();
  }
}

class LineTooLongError extends Error {}

/**
 * The lines of a file that comes in pieces, without their ends. Only `\n` and `\r\n` end a line: JSON may hold U+2028 and U+2029
 * as they are, where Node's readline, from 24 on, ends one.
 */
export async function* linesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // Only what is new is searched and put together once: a large file may be one line.
  let rest: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(LF); end !== -1; end = piece.indexOf(LF, from)) {
      yield withoutReturn(Buffer.concat([...rest, piece.subarray(from, end)]));
      rest = [];
      length = 0;
      from = end + 1;
    }
    if (from === piece.length) continue;
    const last = piece.subarray(from);
    length += last.length;
    if (length > MOST_LINE_BYTES) throw new LineTooLongError();
    rest.push(last);
  }
  if (rest.length > 0) yield withoutReturn(Buffer.concat(rest));
}

const LF = 0x0a;
const CR = 0x0d;

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === CR ? line.subarray(0, -1) : line;
}

/** Nothing but what JSON calls white space. */
function isBlankLine(text: string): boolean {
  return /^[ \t\r]*$/.test(text);
}
