import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { exportToFile } from '../../export/export-file';
import { exportStage } from '../../export/export-rows';
import { reportHeldOut } from '../../report/gather/held-out-report';
import { heldOutCsv } from '../../report/render/report-csv';
import { writeReportFiles } from '../../report/write-report';
import { writeComparedRun } from '../support/sample-variants';

let root = '';
let rows = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rehearse-test-'));
  const run = await writeComparedRun({
    root,
    documents: 40,
    spec: (spec) => ({ ...spec, variants: ['official', 'method', 'ultrachat', 'new-data-only'], sweep: { newShare: [0.5] } }),
  });
  rows = join(root, 'evaluation.jsonl');
  await exportToFile(exportStage('evaluation', run), { path: rows, format: 'jsonl' });
  await writeReportFiles({ ...run, now: new Date('2026-11-04T00:00:00Z'), folder: join(root, 'report') });
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Runs the script with Python's own library alone. */
function recompute(file: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('python3', ['-I', '-S', resolve('python/recompute_table.py'), file, ...args], { encoding: 'utf8' });
}

/** The rows with one line changed, in a file of their own. */
async function changed(name: string, change: (lines: string[]) => string[]): Promise<string> {
  const file = join(root, `${name}.jsonl`);
  await writeFile(
    file,
    change((await readFile(rows, 'utf8')).trimEnd().split('\n'))
      .map((line) => `${line}\n`)
      .join(''),
  );
  return file;
}

const indexOf = (lines: readonly string[], variant: string, task: string): number =>
  lines.findIndex((line) => line.includes(`"variant":"${variant}","task":"${task}"`));

test('every number that the documents determine is the report’s', () => {
  const { status, stdout, stderr } = recompute(rows, '--report', join(root, 'report'));
  expect(stderr).toBe('');
  // 5 variants x 4 tasks x (documents, value, normalised); 8 more of 4 trained ones; a row a variant of 4 scores and an average, of trained ones two changes; p of 16 tasks and 4 averages.
  expect(stdout).toMatch(/\n241 numbers of the report computed again: 0 differ\n$/);
  expect(stdout).toMatch(/^\| variant \| mmlu_pro \| gpqa \| ifeval \| math_level_5 \| average \| difference \|/);
  expect(status).toBe(0);
});

test('one document that was right and is now wrong shows in its score, the average, the difference and the transitions', async () => {
  const file = await changed('flipped', (lines) => {
    const index = lines.findIndex((line, at) => at >= indexOf(lines, 'ultrachat', 'gpqa') && line.includes('"correct":true'));
    return lines.with(index, lines[index]!.replace('"correct":true,"score":1', '"correct":false,"score":0'));
  });
  const { status, stderr } = recompute(file, '--report', join(root, 'report'));
  expect(status).toBe(1);
  for (const number of ['value', 'normalized', 'difference']) {
    expect(stderr).toMatch(new RegExp(`^tasks.csv: ultrachat/gpqa has ${number} `, 'm'));
  }
  expect(stderr).toMatch(/^tasks.csv: ultrachat\/gpqa has (retained|gained) /m);
  expect(stderr).toMatch(/^variants.csv: ultrachat has average /m);
  expect(stderr).not.toContain('method');
});

test('a rule that IFEval counts is noticed, too', async () => {
  const file = await changed('rule', (lines) => {
    const index = lines.findIndex((line, at) => at >= indexOf(lines, 'method', 'ifeval') && line.includes('"rules":3,"rulesKept":3'));
    return lines.with(index, lines[index]!.replace('"rulesKept":3', '"rulesKept":2'));
  });
  expect(recompute(file, '--report', join(root, 'report')).stderr).toMatch(/^tasks.csv: method\/ifeval has value /m);
});

test('a document that is missing or there twice is told', async () => {
  const fewer = recompute(
    await changed('fewer', (lines) => lines.toSpliced(indexOf(lines, 'method', 'mmlu_pro'), 1)),
    '--report',
    join(root, 'report'),
  );
  expect(fewer.stderr).toMatch(/^tasks.csv: method\/mmlu_pro has documents 40; its documents say 39$/m);
  const twice = recompute(await changed('twice', (lines) => [...lines, lines[0]!]));
  expect(twice).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^recompute_table: official\/mmlu_pro holds the document .* twice\n$/) as string,
  });
});

test('what is not there is named with the way to it', () => {
  expect(recompute(rows, '--report', join(root, 'nowhere'))).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('make it with: npx rehearse report RUN --out') as string,
  });
});

test('an exact p that is not that of the documents, or of their counts, is named', async () => {
  const folder = join(root, 'other-p');
  await cp(join(root, 'report'), folder, { recursive: true });
  const tasks = await readFile(join(folder, 'tasks.csv'), 'utf8');
  const [header, ...lines] = tasks.split('\r\n');
  const at = header!.split(',').indexOf('p');
  const line = lines.findIndex((each) => each.startsWith('ultrachat,gpqa,'));
  const cells = lines[line]!.split(',');
  cells[at] = String(Number(cells[at]) / 2);
  await writeFile(join(folder, 'tasks.csv'), [header, ...lines.with(line, cells.join(','))].join('\r\n'));
  expect(recompute(rows, '--report', folder).stderr).toMatch(/^tasks.csv: ultrachat\/gpqa has p /m);
  const counted = spawnSync('python3', ['-I', '-S', resolve('python/recompute_table.py'), '--counts', folder], { encoding: 'utf8' });
  expect(counted.stderr).toMatch(/^tasks.csv: ultrachat\/gpqa has p .*; its counts say /m);
  expect(counted.status).toBe(1);
});

test('p of the study’s benchmark is that of the counts that are kept of it', () => {
  const { status, stdout, stderr } = spawnSync(
    'python3',
    ['-I', '-S', resolve('python/recompute_table.py'), '--counts', resolve('docs/study')],
    { encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('8 numbers of the report computed again: 0 differ');
});

test('losses on held-out conversations are computed again, too', async () => {
  const folder = join(root, 'with-losses');
  await cp(join(root, 'report'), folder, { recursive: true });
  const losses = Array.from({ length: 20 }, (_, index) => ({
    set: 'own' as const,
    id: `i${index + 10}`,
    loss: 1 + index / 10,
    tokens: 5 + index,
  }));
  const changed = losses.map((row, index) => ({ ...row, loss: row.loss + 0.1 * Math.sin(index) + 0.05 }));
  const result = { protocol: 1 as const, kind: 'evaluate' as const, tasks: [], average: 0, seconds: 1, versions: {}, weightsSha256: 'w' };
  const source = (name: string, replay: { kind: 'none' } | null, own: typeof losses): Parameters<typeof reportHeldOut>[1][number] => ({
    variant: { name, replay, newShare: 1 },
    mixture: null,
    training: null,
    dataCost: null,
    evaluation: { result, samples: [], losses: own },
  });
  const sets = reportHeldOut({ seed: 1 }, [source('official', null, losses), source('new-data-only', { kind: 'none' }, changed)]);
  await writeFile(join(folder, 'held-out.csv'), heldOutCsv(sets));
  const file = join(root, 'losses.jsonl');
  const lines = (variant: string, own: typeof losses): string[] => own.map((row) => `${JSON.stringify({ variant, ...row })}\n`);
  await writeFile(file, [...lines('official', losses), ...lines('new-data-only', changed)].join(''));
  expect(recompute(rows, '--losses', file, '--report', folder)).toMatchObject({ status: 0, stderr: '' });
  await writeFile(file, [...lines('official', losses), ...lines('new-data-only', changed.with(3, { ...changed[3]!, loss: 9 }))].join(''));
  const { status, stderr } = recompute(rows, '--losses', file, '--report', folder);
  expect(status).toBe(1);
  for (const number of ['loss', 'difference', 'p']) {
    expect(stderr).toMatch(new RegExp(`^held-out.csv: own/new-data-only has ${number} `, 'm'));
  }
  expect(stderr).not.toContain('official');
});
