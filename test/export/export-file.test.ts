import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { exportToFile, exportToStream } from '../../export/export-file';
import { exportedJudgmentTable, exportStage, type AnyStageExport } from '../../export/export-rows';
import { decodeParquet } from '../../services/store/parquet';
import { writeSampleRun } from '../support/sample-run';
import { useTempFolder } from '../support/temp-folder';

const folder = useTempFolder();

function made(parts: number, rowsEach: number, text = 'x', onPart: () => void = () => undefined): AnyStageExport {
  return {
    table: { schema: { id: 'string', n: 'int', nested: 'json', missing: 'double' }, optional: [] },
    coverage: { planned: parts, missing: new Map(), outdated: 0 },
    async *parts() {
      for (let part = 0; part < parts; part++) {
        onPart();
        yield Array.from({ length: rowsEach }, (_, n) => ({ id: `i${part}-${n}`, n, nested: { text }, missing: null }));
      }
    },
  };
}

describe('exportToFile', () => {
  it('writes the same judgments as JSON lines and as Parquet', async () => {
    const run = await writeSampleRun({ root: join(folder(), 'store') });
    const jsonl = join(folder(), 'out', 'judgments.jsonl');
    const parquet = join(folder(), 'out', 'judgments.parquet');
    const written = await exportToFile(exportStage('judgments', run), { path: jsonl, format: 'jsonl' });
    expect(await exportToFile(exportStage('judgments', run), { path: parquet, format: 'parquet' })).toBe(written);
    const lines = (await readFile(jsonl, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toHaveLength(written);
    expect(await decodeParquet(exportedJudgmentTable.schema, await readFile(parquet), exportedJudgmentTable.optional)).toEqual(lines);
  });

  it('cuts a Parquet file into row groups, so that neither side holds it all', async () => {
    const path = join(folder(), 'many.parquet');
    expect(await exportToFile(made(5, 5_000), { path, format: 'parquet' })).toBe(25_000);
    const data = await readFile(path);
    const { parquetMetadataAsync } = await import('hyparquet');
    const metadata = await parquetMetadataAsync(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer);
    expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([5_000, 5_000, 5_000, 5_000, 5_000]);
    const rows = await decodeParquet<{ id: string; n: number; nested: unknown; missing: null }>(
      { id: 'string', n: 'int', nested: 'json', missing: 'double' },
      data,
    );
    expect(rows[24_999]).toEqual({ id: 'i4-4999', n: 4_999, nested: { text: 'x' }, missing: null });
  });

  it('writes a readable Parquet file when there are no rows', async () => {
    const path = join(folder(), 'none.parquet');
    expect(await exportToFile(made(0, 0), { path, format: 'parquet' })).toBe(0);
    expect(await decodeParquet({ id: 'string' }, await readFile(path))).toEqual([]);
  });

  it('leaves an earlier file as it was, and nothing beside it, when the export fails', async () => {
    const path = join(folder(), 'rows.jsonl');
    await writeFile(path, 'earlier\n');
    const failing: AnyStageExport = {
      ...made(0, 0),
      async *parts() {
        yield [{ id: 'i0' }];
        throw new Error('the store is damaged');
      },
    };
    for (const format of ['jsonl', 'parquet'] as const) {
      await expect(exportToFile(failing, { path, format })).rejects.toThrow('the store is damaged');
    }
    expect(await readFile(path, 'utf8')).toBe('earlier\n');
    expect(await readdir(folder())).toEqual(['rows.jsonl']);
  });
});

describe('exportToStream', () => {
  it('reads the store no faster than the stream is read', async () => {
    let produced = 0;
    const stream = new PassThrough();
    const done = exportToStream(
      made(500, 10, 'x'.repeat(10_000), () => produced++),
      stream,
    );
    for (let turn = 0; turn < 200; turn++) await tick();
    expect(produced).toBeLessThan(10);
    stream.resume();
    expect(await done).toBe(5_000);
    expect(produced).toBe(500);
  });
});
