import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatherReport } from '../../report/gather/report-data';
import { type ReportData } from '../../report/gather/run-report';
import { writeReportFiles, type WrittenReport } from '../../report/write-report';
import { writeComparedRun } from '../support/sample-variants';

const VARIANTS = ['official', 'method', 'ultrachat', 'first-response', 'target-best', 'new-data-only'] as const;

let root = '';
let data: ReportData;
let files: WrittenReport;
const page = { html: '', markdown: '' };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rehearse-test-'));
  const run = await writeComparedRun({ root, spec: (spec) => ({ ...spec, variants: [...VARIANTS], sweep: { newShare: [0.33, 0.5] } }) });
  const options = { ...run, now: new Date('2026-11-04T00:00:00Z') };
  data = await gatherReport(options);
  files = await writeReportFiles({ ...options, folder: join(root, 'out') });
  page.html = await readFile(files.html, 'utf8');
  page.markdown = await readFile(files.markdown, 'utf8');
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** The rows of a CSV file whose cells hold no line breaks. */
async function csvRows(path: string): Promise<Record<string, string>[]> {
  const cells = (line: string): string[] =>
    [...line.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)]
      .slice(0, -1)
      .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
  const [header = [], ...lines] = (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\r\n')
    .map((line) => cells(`${line},`));
  return lines.map((line) => Object.fromEntries(line.map((cell, index) => [header[index]!, cell])));
}

test('a row of variants.csv is a row of the table, number for number', async () => {
  const rows = await csvRows(files.variants);
  expect(rows.map(({ variant }) => variant)).toEqual([...VARIANTS, 'method-share-0.33', 'method-share-0.5']);
  for (const [index, { average, averageChange, tasks, dataCost, worst }] of data.variants.entries()) {
    const row = rows[index]!;
    expect(Number(row['average'])).toBe(average);
    for (const { task, normalized } of tasks) expect(Number(row[task])).toBe(normalized);
    expect(row['difference']).toBe(averageChange === null ? '' : String(averageChange.value));
    expect(row['dataTokens']).toBe(dataCost === null ? '' : String(dataCost.tokens));
    expect(row['worstTask']).toBe(worst?.task ?? '');
  }
});

test('a row of tasks.csv has the documents of one task, adding up', async () => {
  const rows = await csvRows(files.tasks);
  expect(rows).toHaveLength(8 * 4);
  for (const row of rows.filter(({ variant }) => variant !== 'official')) {
    const [retained, forgotten, gained, neverRight] = ['retained', 'forgotten', 'gained', 'neverRight'].map((name) =>
      Number(row[name]),
    ) as [number, number, number, number];
    expect(retained + forgotten + gained + neverRight).toBe(60);
    // IFEval counts rules besides documents.
    expect(Number(row['value'])).toBeCloseTo((retained + gained) / 60, row['task'] === 'ifeval' ? -1 : 12);
  }
});

test('every plot of the comparison is drawn, with its words beside it', () => {
  const section = /<section id="comparison">[^]*?<\/section>/.exec(page.html)![0];
  for (const title of [
    'Average: official model',
    'GPQA: official model',
    'difference from the official model',
    'Documents forgotten and gained',
    'other shares of new data',
    'What the data cost',
  ]) {
    expect([title, section.includes(title), page.markdown.includes(title)]).toEqual([title, true, true]);
  }
  expect(section.match(/<svg /g)).toHaveLength(5 + 2 + 2);
  expect(section.match(/NaN|undefined|Infinity/g)).toBeNull();
  // Shares of the sweep have a plot of their own.
  const [slope] = /<svg [^]*?<\/svg>/.exec(section)!;
  expect(slope).toContain('new-data-only');
  expect(slope).not.toContain('method-share');
});

test('the data of the method cost more than its parts, and a set that others made nothing', () => {
  const tokens = Object.fromEntries(data.variants.map(({ name, dataCost }) => [name, dataCost?.tokens]));
  expect(tokens['official']).toBeUndefined();
  expect(tokens['ultrachat']).toBe(0);
  expect(tokens['first-response']).toBeGreaterThan(0);
  expect(tokens['target-best']).toBeGreaterThan(tokens['first-response']!);
  expect(tokens['method']).toBeGreaterThan(tokens['target-best']!);
  expect(tokens['method-share-0.5']).toBe(tokens['method']);
});

test('the provenance tells the weights of every variant, the sets that others made, and the prompts', () => {
  expect(data.lineage.map(({ variant, weightsSha256 }) => [variant, weightsSha256?.slice(0, 4) ?? null])).toEqual([
    ['official', null],
    ...[...VARIANTS.slice(1), 'method-share-0.33', 'method-share-0.5'].map((name) => [name, 'cccc']),
  ]);
  expect(data.lineage.find(({ variant }) => variant === 'ultrachat')?.replaySet).toMatchObject({
    revision: 'c0ffee',
    licence: 'MIT',
    read: 20,
    malformed: 3,
  });
  for (const wanted of ['c0ffee', 'based on the following 5-point scale', 'im_start', 'Replay sets of the other variants']) {
    expect([wanted, page.html.includes(wanted), page.markdown.includes(wanted)]).toEqual([wanted, true, true]);
  }
});
