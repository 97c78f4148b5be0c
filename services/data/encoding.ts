import { isUtf8 } from 'node:buffer';

/** What a file is that is no UTF-8 text, and the way out. */
export interface ForeignContent {
  readonly reason: string;
  readonly hint: string;
}

const CONVERT = (from: string): string => `convert it to UTF-8, for example with iconv -f ${from} -t UTF-8`;
const UNPACK = 'unpack it first';

/** Beginnings of files that people give by mistake: byte order marks (Unicode, section 23.8) and the magic numbers of file(1). */
const BEGINNINGS: readonly (readonly [bytes: readonly number[], what: string, hint: string])[] = [
  [[0xff, 0xfe, 0, 0], 'UTF-32 text', CONVERT('UTF-32')],
  [[0, 0, 0xfe, 0xff], 'UTF-32 text', CONVERT('UTF-32')],
  [[0xff, 0xfe], 'UTF-16 text', CONVERT('UTF-16')],
  [[0xfe, 0xff], 'UTF-16 text', CONVERT('UTF-16')],
  [[0x1f, 0x8b], 'a gzip file', UNPACK],
  [[0x28, 0xb5, 0x2f, 0xfd], 'a zstd file', UNPACK],
  [[0x42, 0x5a, 0x68], 'a bzip2 file', UNPACK],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], 'an xz file', UNPACK],
  [[0x50, 0x4b, 3, 4], 'a zip file', UNPACK],
  [[0x50, 0x41, 0x52, 0x31], 'a Parquet file', 'give it a name that ends in .parquet'],
];

/** How much of a file's beginning {@link foreignBeginning} looks at. */
export const BEGINNING_BYTES = 64;

/** What a file is by its first bytes, when it is no text in UTF-8. */
export function foreignBeginning(bytes: Uint8Array): ForeignContent | undefined {
  const known = BEGINNINGS.find(([beginning]) => beginning.every((byte, index) => bytes[index] === byte));
  if (known !== undefined) return { reason: known[1], hint: known[2] };
  // Without a byte order mark, the NUL of each ASCII character tells.
  if (bytes.length >= 2 && bytes[0] !== 0 && bytes[1] === 0) return { reason: 'UTF-16 text', hint: CONVERT('UTF-16LE') };
  if (bytes.length >= 2 && bytes[0] === 0 && bytes[1] !== 0) return { reason: 'UTF-16 text', hint: CONVERT('UTF-16BE') };
  return undefined;
}

/** What is wrong with the bytes of a line, if they are no UTF-8 text. @param line its 1-based number */
export function foreignLine(bytes: Uint8Array, line: number): ForeignContent | undefined {
  if (bytes.includes(0)) return { reason: `line ${line} has a NUL byte, so it is no text`, hint: 'name a file of JSON lines' };
  if (isUtf8(bytes)) return undefined;
  return { reason: `line ${line} is not UTF-8`, hint: CONVERT('LATIN1') };
}
