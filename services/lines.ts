/**
 * The lines of a text that comes in pieces, without their ends. Only `\n` and `\r\n` end a line: JSON may hold U+2028 and U+2029
 * as they are, where Node's readline, from 24 on, ends one.
 */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = `${rest}${piece}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}
