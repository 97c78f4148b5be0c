import { join, resolve } from 'node:path';
import type { Instruction } from '../../../method/records';
import { ensurePython } from '../../../services/local/python-environment';
import { runCommand } from '../../../services/local/run-command';
import { callTable } from '../../../stages/call-record';
import { extractStage } from '../../../stages/extract';
import { failureTable } from '../../../stages/failure-table';
import { judgeStage } from '../../../stages/judge';
import { mixStage } from '../../../stages/mix';
import { respondStage } from '../../../stages/respond';
import { selectStage } from '../../../stages/select';
import type { Output } from '../../../stages/stage';
import { type Table } from '../../../stages/table';
import { ensureDuckdb } from '../../support/duckdb';
import { writeSampleRun, type SampleRun } from '../../support/sample-run';
import { useTempFolder } from '../../support/temp-folder';
import { quietReporter } from '../../support/temporal';

const temp = useTempFolder();

type Rows = Record<string, unknown>[];

interface Stored {
  readonly path: string;
  readonly rows: Rows;
}

/** What a table's file holds: the rows as the project reads them, nested values as JSON text, nothing as null. */
function asColumns<Row extends object>(table: Table<Row>, rows: readonly Row[]): Rows {
  const unused = (table.whereUsed ?? []).filter((name) => rows.every((row) => row[name] === undefined));
  const columns = Object.entries(table.schema).filter(([name]) => !unused.some((each) => each === name));
  return rows.map((row) =>
    Object.fromEntries(
      columns.map(([name, type]) => {
        const value: unknown = (row as Record<string, unknown>)[name] ?? null;
        return [name, type === 'json' && value !== null ? JSON.stringify(value) : value];
      }),
    ),
  );
}

async function stored<Row extends object>({ root, stages }: SampleRun, output: Output<Row>): Promise<Stored[]> {
  const found = await stages.latest(output);
  if (found === undefined) throw new Error(`${output.stage.name} was not written`);
  const { manifest } = found;
  const file = (name: string): string => join(root, stages.folder(output.address), name);
  return [
    { path: file(manifest.rows.file), rows: asColumns(output.stage.table, await stages.readRows(found)) },
    { path: file(manifest.failures.file), rows: asColumns(failureTable, await stages.readFailures(manifest)) },
    ...(manifest.calls === undefined
      ? []
      : [{ path: file(manifest.calls.file), rows: asColumns(callTable, await stages.readCalls(manifest)) }]),
  ];
}

test('DuckDB and datasets read the rows, failures and calls that are stored as the project does', async () => {
  const [{ python, env }, duckdb] = await Promise.all([ensurePython(quietReporter), ensureDuckdb(quietReporter)]);
  const run = await writeSampleRun({ root: temp() });
  const { plan } = run;
  const [shard] = plan.shards;
  if (shard === undefined) throw new Error('the sample run has no shard');
  const called: Output<Instruction> = { stage: extractStage, address: { stage: 'extract', key: 'called', part: 'all' } };
  await run.stages.commit(called, {
    rows: [],
    failures: [],
    inputs: [],
    calls: [
      {
        item: 'i0000000',
        call: 0,
        request: 'r1',
        at: '2026-11-03T09:12:00.000Z',
        ms: 12.5,
        reply: JSON.stringify({ choices: [{ text: 'How?\n"quoted" ✓ \u2028' }] }),
      },
      {
        item: 'i0000001',
        call: 0,
        request: 'r2',
        at: '2026-11-03T09:12:01.000Z',
        ms: 3,
        error: { kind: 'refused', status: 400, message: 'no' },
      },
    ],
    stats: { calls: 2, requests: 2, promptTokens: 0, completionTokens: 0, modelMs: 15, startedAt: '', finishedAt: '', transient: {} },
  });
  const files = (
    await Promise.all([
      stored(run, extractStage.at(plan, shard)),
      stored(run, respondStage.at(plan, shard, 'creative')),
      stored(run, judgeStage.at(plan, shard, 'creative', 'careful')),
      stored(run, selectStage.at(plan, shard)),
      stored(run, mixStage.at(plan, 'method')),
      stored(run, called),
    ])
  )
    .flat()
    .filter(({ rows }) => rows.length > 0); // datasets cannot tell the columns of nothing
  expect(files.length).toBeGreaterThanOrEqual(7);

  const out = await runCommand({
    command: python,
    args: [resolve('test/support/read_parquet.py'), ...files.map(({ path }) => path)],
    env: { ...env, PYTHONPATH: `${duckdb}:${env['PYTHONPATH'] ?? ''}`, HF_HUB_OFFLINE: '1', HF_HOME: join(temp(), 'hf') },
  });
  const read = JSON.parse(out) as Record<string, { duckdb: Rows; datasets: Rows }>;
  for (const { path, rows } of files) expect(read[path]).toEqual({ duckdb: rows, datasets: rows });
}, 600_000);
