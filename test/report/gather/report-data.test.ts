import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunSpecInput } from '../../../config/spec';
import { gatherReport } from '../../../report/gather/report-data';
import { type ReportData } from '../../../report/gather/run-report';
import { extractStage } from '../../../stages/extract';
import { selectStage } from '../../../stages/select';
import { writeSampleRun, type SampleRun, type SampleRunOptions } from '../../support/sample-run';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();
const now = new Date('2026-11-04T00:00:00Z');

async function gather(options: SampleRunOptions = {}): Promise<{ run: SampleRun; data: ReportData }> {
  const run = await writeSampleRun({ root: folder(), ...options });
  return { run, data: await gatherReport({ ...run, now }) };
}

let shared: ReportData;
let sharedFolder = '';

/** The finished run is only read, so one serves all tests that change nothing. */
beforeAll(async () => {
  sharedFolder = await mkdtemp(join(tmpdir(), 'rehearse-test-'));
  shared = await gatherReport({ ...(await writeSampleRun({ root: sharedFolder })), now });
});

afterAll(async () => {
  await rm(sharedFolder, { recursive: true, force: true });
});

test('what was asked for is what was kept, lost with a reason, and nothing else', () => {
  const data = shared;
  const { instructions, responses, judgments } = data.synthesis;
  const lost = (stage: string): number => data.losses.filter((group) => group.stage === stage).reduce((sum, { count }) => sum + count, 0);
  expect(instructions).toEqual({ asked: 16, extracted: 14, lostAtExtraction: 2, dropped: 0, lostAtSelection: 2, kept: 12, pending: 0 });
  expect(instructions.asked).toBe(instructions.kept + lost('extract') + lost('select'));
  expect(responses).toEqual({ asked: 14 * 9, made: 14 * 9 - 1, lost: 1, pending: 0 });
  expect(responses.lost).toBe(lost('respond'));
  expect(judgments).toEqual({ asked: 125 * 3, made: 374, lost: 1, pending: 0 });
  expect(judgments.lost).toBe(lost('judge'));
  expect(data.warnings).toEqual([expect.stringMatching(/^A demonstration, which measures nothing\./)]); // nothing else
});

test('losses are grouped by the fixed words of their reason, with the first ids', () => {
  const data = shared;
  expect(data.losses.map(({ stage, reason, count }) => [stage, reason, count])).toEqual([
    ['extract', 'truncated', 2],
    ['respond', 'empty', 1],
    ['judge', 'the ratings hold too little probability', 1],
    ['select', 'responses missing', 1],
    ['select', 'scores missing', 1],
  ]);
  expect(data.losses[0]).toMatchObject({ models: { balanced: 2 }, ids: ['i0000003', 'i0000011'], example: null });
  expect(data.losses[2]).toMatchObject({
    ids: ['i0000009:careful:1:creative'],
    example: 'the ratings hold too little probability: 0.021 of 0.05',
  });
});

test('scores are counted exactly once each, and choosing again gives the stored winners', () => {
  const data = shared;
  const { scores, recomputed } = data.synthesis;
  const total = (bins: readonly { readonly count: number }[]): number => bins.reduce((sum, { count }) => sum + count, 0);
  expect(scores.judges.map(({ scored, unscored, bins }) => [scored, unscored, total(bins)])).toEqual([
    [125, 0, 125],
    [125, 0, 125],
    [124, 1, 124],
  ]);
  expect(total(scores.means.all)).toBe(125);
  expect(total(scores.means.kept)).toBe(12);
  expect(scores.readings).toEqual({ text: 0, expected: 374 });
  expect(scores.wins.reduce((sum, { wins }) => sum + wins, 0)).toBe(12);
  expect(scores.meanOfKept).toBeGreaterThan(scores.meanOfAll!);
  expect(scores.agreement.alpha.units).toBe(125);
  expect(scores.agreementSample).toEqual({ responses: 125, complete: true });
  expect(recomputed).toEqual({ equal: 12, checked: 12 });
});

test('work is added up by stage and model, and priced only where the spec names a price', () => {
  const data = shared;
  const row = (stage: string, model: string) => data.usage.find((each) => each.stage === stage && each.model === model)!;
  expect(row('judge', 'careful')).toMatchObject({ parts: { done: 6, planned: 6 }, rows: 125, lost: 0, calls: 250, usd: null });
  const extract = row('extract', 'balanced');
  expect(extract).toMatchObject({
    calls: 20,
    requests: 20,
    promptTokens: 2400,
    completionTokens: 1100,
    lost: 2,
    activeMs: 18_000,
    wallMs: 79_000,
    transient: { timeout: 2 },
  });
  expect(extract.usd).toBeCloseTo((2400 * 0.05 + 1100 * 0.2) / 1e6, 12);
  expect(row('train', 'method').usd).toBeNull();
});

test('transitions tell forgotten answers from gained ones even where the average stands still', () => {
  const data = shared;
  const [mmlu, gpqa] = data.evaluation.tasks;
  expect(mmlu).toMatchObject({ task: 'mmlu_pro', difference: 0, tooFew: true, documents: { comparable: true, forgotten: 1, learned: 1 } });
  expect(gpqa?.difference).toBeCloseTo(-16.667, 3);
  expect(data.evaluation.average.difference).toBeCloseTo(data.evaluation.average.after! - data.evaluation.average.before!, 12);
  expect(data.evaluation.fewestDocuments).toBe(4);
});

test('the mixture is described by count, by tokens that add up to the trainer’s, and by what was left out', () => {
  const data = shared;
  const { replay, new: fresh, shareByCount, tokensFrom } = data.mixture!;
  expect([replay.examples, fresh.examples, fresh.leftOut]).toEqual([12, 2, 6]);
  expect(shareByCount).toBeCloseTo(2 / 14, 12);
  expect(tokensFrom).toBe('trainer');
  expect(replay.tokens + fresh.tokens).toBe(3120);
});

test('examples depend on the seed alone, show every expected answer, and mark one winner each', async () => {
  const data = shared;
  const again = await gatherReport({ ...(await writeSampleRun({ root: join(folder(), 'again') })), now });
  const { examples } = data.synthesis;
  expect(examples).toEqual(again.synthesis.examples);
  expect(examples).toHaveLength(4);
  for (const example of examples) {
    expect(example.kept).toBe(true);
    expect(example.responses).toHaveLength(9);
    expect(example.responses.filter(({ winner }) => winner)).toHaveLength(1);
    const best = Math.max(...example.responses.map(({ meanScore }) => meanScore!));
    expect(example.responses.find(({ winner }) => winner)?.meanScore).toBe(best);
    expect(example.responses.every(({ judgments }) => judgments.length === 3)).toBe(true);
  }
});

test('an instruction that was lost shows why, and which answer never came, when there is room for all', async () => {
  const spec = (input: RunSpecInput): RunSpecInput => ({ ...input, report: { examples: 50 } });
  const { data } = await gather({ spec });
  const lost = data.synthesis.examples.find(({ instructionId }) => instructionId === 'i0000006')!;
  expect(lost).toMatchObject({ kept: false, lost: 'responses missing: 1 of 9' });
  expect(lost.responses.find(({ generator, sample }) => generator === 'creative' && sample === 2)).toMatchObject({
    text: null,
    missing: 'empty',
  });
});

test.each([
  ['first shard', ['extract balanced (1 of 2 parts)', 'select (1 of 2 parts)', 'mix method (0 of 1 parts)'], 0],
  ['select', ['mix method (0 of 1 parts)', 'train method (0 of 1 parts)'], 0],
  ['official', ['evaluate method (0 of 1 parts)'], 1], // too few documents
] as const)('a run that is done up to "%s" has a report that names what is missing', async (until, missing, warnings) => {
  const { data } = await gather({ until });
  expect(data.finished).toBe(false);
  expect(data.missing).toEqual(expect.arrayContaining([...missing]));
  expect(data.warnings).toHaveLength(warnings);
});

test('items of shards that are not made yet count as pending, not as lost', async () => {
  const { data } = await gather({ until: 'first shard' });
  expect(data.synthesis.instructions.pending).toBe(8);
  expect(data.mixture).toBeNull();
  expect(data.evaluation.average).toEqual({ before: null, after: null, difference: null });
});

test('outputs whose inputs have changed are shown, with a warning', async () => {
  const { run } = await gather({ until: 'select' });
  const output = extractStage.at(run.plan, run.plan.shards[0]!);
  const stored = (await run.stages.latest(output))!;
  const rows = await run.stages.readRows(stored);
  await rm(join(run.root, run.stages.folder(output.address)), { recursive: true });
  await run.stages.commit(output, {
    rows: rows.map((row) => ({ ...row, seed: row.seed + 1 })),
    failures: [],
    stats: stored.manifest.stats,
    inputs: [],
  });
  const data = await gatherReport({ ...run, now });
  expect(data.synthesis.instructions.kept).toBe(12);
  expect(data.warnings[0]).toMatch(/^Made from inputs or by a version of the code that are no longer current: .*select/);
});

test('a damaged file stops the report with the file’s name and the way out', async () => {
  const { run } = await gather({ until: 'select' });
  const part = join(run.root, run.stages.folder(selectStage.at(run.plan, run.plan.shards[0]!).address));
  const rows = (await readdir(part)).find((name) => name.startsWith('rows-'))!;
  await writeFile(join(part, rows), 'not parquet');
  await expect(gatherReport({ ...run, now })).rejects.toThrow(/rows-.*damaged.*start the run again/);
});

test('an unknown run names those that are there', async () => {
  const { run } = await gather({ until: 'first shard' });
  await expect(gatherReport({ ...run, runId: 'dmeo', now })).rejects.toThrow(/no run "dmeo" .* it holds demo/);
});

test('names and passwords in endpoint URLs do not reach the report', async () => {
  const { data } = await gather({ until: 'first shard' });
  expect(JSON.stringify(data)).not.toContain('hunter2');
  expect(data.spec.models['careful']?.baseURL).toBe('http://127.0.0.1:8477/v1');
});

test('report data survive JSON unchanged', () => {
  const data = shared;
  expect(JSON.parse(JSON.stringify(data))).toEqual(data);
});
