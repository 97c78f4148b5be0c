import type { Compressors } from 'hyparquet';
import { DataFileError } from './data-file-error';
import { parseJson } from './json-text';
import { readLines } from './lines';
import { openRegularFile } from './regular-file';

/** A row of a data file and where it is, or why there is none at that place. */
export interface PlacedRow {
  /** 1-based number of its line, or of the row where a file has no lines of its own. */
  readonly number: number;
  /** As a message names it: `line 3`, `row 3`. */
  readonly place: string;
  readonly row?: unknown;
  /** Why it could not be read. */
  readonly problem?: string;
  /** Length of its text as JSON. */
  readonly characters: number;
}

/** Held whole, as a text, before it is parsed. */
const MOST_ARRAY_BYTES = 400 * 1024 * 1024;

/**
 * The rows of a data file, one at a time: JSON lines, a JSON array of rows, or Parquet by its name.
 * @throws DataFileError for what is none of these; the file system's error
 */
export async function* readPlacedRows(path: string): AsyncGenerator<PlacedRow> {
  if (path.endsWith('.parquet')) yield* parquetRows(path);
  else if (await beginsAsArray(path)) yield* arrayRows(path);
  else yield* lineRows(path);
}

/** The rows of a file of JSON lines. @throws as {@link readPlacedRows} */
export async function* lineRows(path: string): AsyncGenerator<PlacedRow> {
  for await (const { line, text } of readLines(path)) {
    const parsed = parseJson(text);
    const placed = { number: line, place: `line ${line}`, characters: text.length };
    yield parsed.problem === undefined ? { ...placed, row: parsed.row } : { ...placed, problem: parsed.problem };
  }
}

async function beginsAsArray(path: string): Promise<boolean> {
  for await (const { text } of readLines(path)) return text.trimStart().startsWith('[');
  return false;
}

async function* arrayRows(path: string): AsyncGenerator<PlacedRow> {
  const lines: string[] = [];
  let bytes = 0;
  for await (const { text } of readLines(path)) {
    bytes += text.length;
    if (bytes > MOST_ARRAY_BYTES) {
      throw new DataFileError(path, 'a JSON array that is too large to be read as one', 'write one row a line, without the brackets');
    }
    lines.push(text);
  }
  const parsed = parseJson(lines.join('\n'));
  if (parsed.problem !== undefined) throw new DataFileError(path, parsed.problem, 'write one row a line, or a JSON array of rows');
  for (const [index, row] of (parsed.row as unknown[]).entries()) {
    yield { number: index + 1, place: `row ${index + 1}`, row, characters: JSON.stringify(row).length };
  }
}

/** Codecs beside Snappy, which the reader has itself: all that Parquet knows but LZO. */
async function compressors(): Promise<Compressors> {
  const { gunzipSync, brotliDecompressSync } = await import('node:zlib');
  const { compressors: others } = await import('hyparquet-compressors');
  return {
    ...others,
    GZIP: (input: Uint8Array) => new Uint8Array(gunzipSync(input)),
    BROTLI: (input: Uint8Array) => new Uint8Array(brotliDecompressSync(input)),
  };
}

async function* parquetRows(path: string): AsyncGenerator<PlacedRow> {
  const file = await openRegularFile(path);
  try {
    const { size } = await file.stat();
    const { parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
    const buffer = {
      byteLength: size,
      async slice(start: number, end = size): Promise<ArrayBuffer> {
        const bytes = new Uint8Array(end - start);
        await file.read(bytes, 0, bytes.length, start);
        return bytes.buffer;
      },
    };
    let number = 0;
    const codecs = await compressors();
    const metadata = await parquetMetadataAsync(buffer);
    for (const group of metadata.row_groups) {
      const rowStart = number;
      const rowEnd = rowStart + Number(group.num_rows);
      const rows = await parquetReadObjects({ file: buffer, metadata, compressors: codecs, rowStart, rowEnd });
      for (const each of rows) {
        number++;
        // As JSON, so that a row is the same whatever file it comes from: whole numbers are numbers, not BigInt.
        const parsed = parseJson(JSON.stringify(each, jsonValue));
        const placed = { number, place: `row ${number}`, characters: JSON.stringify(each, jsonValue).length };
        yield parsed.problem === undefined ? { ...placed, row: parsed.row } : { ...placed, problem: parsed.problem };
      }
    }
  } catch (error) {
    if (error instanceof DataFileError) throw error;
    const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    throw new DataFileError(path, `no Parquet that can be read (${reason})`, 'write it again, with Snappy or without compression', {
      cause: error,
    });
  } finally {
    await file.close();
  }
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
