import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { jsonChunks } from '../services/data/jsonl-text';
import type { AnyStageExport } from './export-rows';
import { writeParquetFile } from './parquet-file';

/** Writes a stage as JSON lines to a stream, no faster than the stream takes them. Returns the rows written. */
export async function exportToStream(stage: AnyStageExport, stream: NodeJS.WritableStream): Promise<number> {
  let rows = 0;
  const lines = Readable.from(jsonChunks(stage.parts(), (count) => (rows += count)));
  await pipeline(lines, stream, { end: false });
  return rows;
}

/**
 * Writes a stage to a file that is there whole or not at all; an earlier one is replaced. Returns the rows written.
 * @throws the file system's error; CorruptArtifactError when the store is damaged
 */
export async function exportToFile(
  stage: AnyStageExport,
  { path, format }: { readonly path: string; readonly format: 'jsonl' | 'parquet' },
): Promise<number> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    const rows = format === 'parquet' ? await writeParquetFile(stage, temporary) : await writeJsonl(stage, temporary);
    await sync(temporary);
    await rename(temporary, path);
    return rows;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeJsonl(stage: AnyStageExport, path: string): Promise<number> {
  let rows = 0;
  await pipeline(Readable.from(jsonChunks(stage.parts(), (count) => (rows += count))), createWriteStream(path));
  return rows;
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
