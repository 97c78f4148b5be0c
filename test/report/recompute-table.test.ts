import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { exportToFile } from '../../export/export-file';
import { exportStage } from '../../export/export-rows';
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
  // 5 variants x 4 tasks x (documents, value, normalised); 8 more of 4 trained ones; a row a variant of 4 scores and an average, of trained ones two changes.
  expect(stdout).toMatch(/\n221 numbers of the report computed again: 0 differ\n$/);
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
