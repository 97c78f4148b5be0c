/** What JSON may hold as it is, yet a terminal would obey: DEL, C1 controls, marks that reorder text. */
const TERMINAL_UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const CHUNK_CHARACTERS = 64 * 1024;

/**
 * One object as a line of JSON. Characters that a terminal would obey are escaped, which changes nothing for a JSON
 * reader: model text is printed to terminals.
 */
export function jsonLine(row: object): string {
  const json = JSON.stringify(row).replace(TERMINAL_UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `${json}\n`;
}

/** Rows as JSON lines, in chunks of some 64 KB that a stream can be fed with; `onRows` is told of the rows of each chunk. */
export async function* jsonChunks(
  parts: AsyncIterable<readonly object[]> | Iterable<readonly object[]>,
  onRows: (count: number) => void = () => undefined,
): AsyncGenerator<string> {
  let chunk = '';
  let rows = 0;
  for await (const part of parts) {
    for (const row of part) {
      chunk += jsonLine(row);
      rows++;
      if (chunk.length < CHUNK_CHARACTERS) continue;
      onRows(rows);
      yield chunk;
      chunk = '';
      rows = 0;
    }
  }
  onRows(rows);
  if (chunk !== '') yield chunk;
}
