import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { ensurePython } from '../../../services/local/python-environment';
import { decodeParquet, encodeParquet } from '../../../services/store/parquet';
import { callTable } from '../../../stages/call-record';
import { STAGES } from '../../../stages/chain';
import { instructionTable } from '../../../stages/extract';
import { failureTable } from '../../../stages/failure-table';
import type { Table, TableSchema } from '../../../stages/table';
import { useTempFolder } from '../../support/temp-folder';

interface Row {
  readonly text: string | null;
  readonly count: number | null;
  readonly score: number | null;
  readonly flag: boolean | null;
  readonly detail: unknown;
  readonly note?: string;
}

const SCHEMA: TableSchema<Row> = { text: 'string', count: 'int', score: 'double', flag: 'boolean', detail: 'json', note: 'string' };
const temp = useTempFolder();

async function roundTrip(rows: readonly Row[]): Promise<Row[]> {
  return await decodeParquet(SCHEMA, await encodeParquet(SCHEMA, rows), ['note']);
}

const text = fc.string({ unit: 'binary', maxLength: 30 });
const columns = {
  text: fc.option(text),
  count: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  score: fc.option(fc.double({ noNaN: true })),
  flag: fc.option(fc.boolean()),
  // JSON has no -0.
  detail: fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value))),
};
const row: fc.Arbitrary<Row> = fc.oneof(fc.record(columns), fc.record({ ...columns, note: text }));

test('rows come back as they were, with any text, nulls, absent keys and nested values', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (rows) => {
      expect(await roundTrip(rows)).toEqual(rows);
    }),
    { numRuns: 150 },
  );
});

test('absent keys of optional columns stay absent, others become null', async () => {
  const [read] = await roundTrip([{ text: undefined as unknown as null, count: 1, score: 2, flag: true, detail: 3 }]);
  expect(Object.keys(read!).sort()).toEqual(['count', 'detail', 'flag', 'score', 'text']);
  expect(read?.text).toBeNull();
});

test.each([0, 1, 2_000])('%d rows are read back', async (count) => {
  const rows = Array.from({ length: count }, (_, index): Row => ({
    text: `Zeile ${index} – ✓ 漢字 🙂 \u0000 \r\n`,
    count: index,
    score: index / 3,
    flag: index % 2 === 0,
    detail: { index, list: [index, null, 'x'] },
  }));
  expect(await roundTrip(rows)).toEqual(rows);
});

test('a column of nothing but nulls is read back', async () => {
  const rows = Array.from({ length: 3 }, (): Row => ({ text: null, count: null, score: null, flag: null, detail: null }));
  expect(await roundTrip(rows)).toEqual(rows);
});

test('a text of some megabytes is read back', async () => {
  const long = 'lorem ipsum 漢 '.repeat(200_000);
  expect((await roundTrip([{ text: long, count: 1, score: 1, flag: true, detail: { long } }]))[0]?.text).toBe(long);
});

test('half of a surrogate pair survives within JSON, where raw replies are kept', async () => {
  expect((await roundTrip([{ text: '', count: 0, score: 0, flag: false, detail: { text: 'a\ud83d' } }]))[0]?.detail).toEqual({
    text: 'a\ud83d',
  });
});

test('infinities and NaN are read back', async () => {
  const rows = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((score): Row => ({
    text: '',
    count: 0,
    score,
    flag: false,
    detail: 0,
  }));
  expect((await roundTrip(rows)).map(({ score }) => score)).toEqual([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
});

test('a file that is part of a larger buffer is read', async () => {
  const data = await encodeParquet(SCHEMA, [{ text: 'x', count: 1, score: 1, flag: true, detail: 1 }]);
  const padded = Buffer.concat([Buffer.from('before'), data, Buffer.from('after')]);
  expect(await decodeParquet(SCHEMA, padded.subarray(6, 6 + data.length), ['note'])).toHaveLength(1);
});

test('text that is no Parquet is refused', async () => {
  await expect(decodeParquet(SCHEMA, Buffer.from('this is not a parquet file at all'))).rejects.toThrow(/parquet/);
});

test('a large seed is kept exactly', async () => {
  const table = instructionTable;
  const rows = [
    {
      id: 'i0000000',
      text: 'x',
      model: 'm',
      finishReason: 'stop' as const,
      seed: 2 ** 31 - 1,
      attempts: 1,
      usage: { promptTokens: 1, completionTokens: 2 },
    },
  ];
  expect(await decodeParquet(table.schema, await encodeParquet(table.schema, rows), table.optional)).toEqual(rows);
});

test.each(
  Object.entries<Pick<Table<object>, 'schema'> & { readonly optional: readonly string[] }>({
    calls: callTable,
    failures: failureTable,
    ...Object.fromEntries(STAGES.map(({ name, table }) => [name, table])),
  }),
)('the columns of %s that may be left out are columns of it', (_, { schema, optional }) => {
  expect(Object.keys(schema)).toEqual(expect.arrayContaining([...optional]));
});

test('many rows lie in several row groups and come back in order, and the process does other things meanwhile', async () => {
  const rows = Array.from({ length: 12_001 }, (_, count): Row => ({
    text: `row ${count}`,
    count,
    score: count / 7,
    flag: count % 2 === 0,
    detail: [count],
  }));
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const data = await encodeParquet(SCHEMA, rows);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
  expect(await decodeParquet(SCHEMA, data, ['note'])).toEqual(rows);
});

test('pyarrow, another implementation, reads the same values', async () => {
  const { python, env } = await ensurePython({ step: () => ({ update: () => undefined, done: () => undefined, fail: () => undefined }) });
  const rows: Row[] = [
    { text: 'Grüße ✓ 🙂', count: 7, score: 0.5, flag: true, detail: { a: [1, null] }, note: 'n' },
    { text: null, count: null, score: null, flag: null, detail: null },
  ];
  const file = join(temp(), 'rows.parquet');
  await writeFile(file, await encodeParquet(SCHEMA, rows));
  const code = 'import json, sys, pyarrow.parquet as p; print(json.dumps(p.read_table(sys.argv[1]).to_pylist()))';
  const { stdout } = await promisify(execFile)(python, ['-c', code, file], { env: env as NodeJS.ProcessEnv });
  expect(JSON.parse(stdout)).toEqual([
    { text: 'Grüße ✓ 🙂', count: 7, score: 0.5, flag: true, detail: '{"a":[1,null]}', note: 'n' },
    { text: null, count: null, score: null, flag: null, detail: null, note: null },
  ]);
}, 600_000);
