import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readManifest } from './stored-manifest';

/** A row as its Parquet file has it. */
export type StoredRow = Readonly<Record<string, unknown>>;

/** Names of the parts below all keys of a stage. */
export async function partsOf(stage: string): Promise<string[]> {
  const keys = await readdir(stage);
  return (await Promise.all(keys.map(async (key) => await readdir(join(stage, key))))).flat().sort();
}

/** Rows of one part under every key of a stage: one key for each generator, or for each judge and generator. */
export async function readParts(stages: string, stage: string, part: string): Promise<StoredRow[]> {
  const { parquetReadObjects } = await import('hyparquet');
  const rows: StoredRow[] = [];
  for (const key of await readdir(join(stages, stage))) {
    const folder = join(stages, stage, key, part);
    const manifest = await readManifest(folder);
    if (manifest === undefined) throw new Error(`${folder} is not finished`);
    const data = await readFile(join(folder, manifest.rows.file));
    rows.push(
      ...((await parquetReadObjects({
        file: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer,
      })) as StoredRow[]),
    );
  }
  return rows;
}
