import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openStore } from '../../../services/runs/open-store';
import { planPrune, prune, type PruneOptions } from '../../../services/store/prune';
import { trainStage } from '../../../stages/train';
import { writeSampleRun, type SampleRun } from '../../support/sample-run';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();
const DAY_MS = 86_400_000;
const NOW = Date.now() + 30 * DAY_MS;
const ALL: PruneOptions = { olderThanMs: 7 * DAY_MS, nowMs: NOW };

/** Folders of stage outputs, as `stage/key`. */
function outputs(): string[] {
  return readdirSync(join(folder(), 'stages')).flatMap((stage) =>
    readdirSync(join(folder(), 'stages', stage)).map((key) => `${stage}/${key}`),
  );
}

async function run(runId: string, seed: number, until: 'select' | 'end' = 'end'): Promise<SampleRun> {
  return await writeSampleRun({ root: folder(), runId, until, spec: (spec) => ({ ...spec, seed }) });
}

test('all that a finished run was made from is needed', async () => {
  const opened = await run('a', 7);
  expect(await planPrune(opened, ALL)).toMatchObject({ remove: [], removeBytes: 0, notes: [] });
});

test('a look removes nothing; what only an earlier spec of the run needed is removed, and nothing else', async () => {
  await run('a', 7);
  const earlier = new Set(outputs());
  const opened = await run('a', 8);
  const all = outputs();
  const plan = await planPrune(opened, ALL);
  expect(outputs()).toEqual(all);
  expect(plan.remove.map(({ path }) => path.replace('stages/', '')).filter((path) => !path.startsWith('plans'))).toEqual(
    expect.arrayContaining(all.filter((each) => earlier.has(each) && !needed(opened, each))) as string[],
  );
  const bytes = plan.storeBytes;

  const removed = await prune(opened, plan, {});
  expect(removed).toHaveLength(plan.remove.length);
  expect(outputs().filter((each) => earlier.has(each) && !needed(opened, each))).toEqual([]);
  expect(await opened.stages.latest(trainStage.at(opened.plan, 'method'))).toBeDefined();
  const after = await planPrune(opened, ALL);
  expect(after).toMatchObject({ remove: [], storeBytes: bytes - plan.removeBytes });
});

function needed({ plan }: SampleRun, output: string): boolean {
  return JSON.stringify(plan.keys).includes(output.split('/')[1]!) || output.startsWith('evaluate-');
}

test('a forgotten run takes along what no other run shares with it', async () => {
  await run('a', 7);
  const before = outputs();
  const opened = await run('b', 8);
  const options = { ...ALL, forget: ['b'] };
  await prune(opened, await planPrune(opened, options), options);
  expect(outputs().sort()).toEqual(before.sort());
  expect(await opened.plans.listRuns()).toEqual(['a']);
});

test('what is young stays, and so does what a run that is not evaluated may need', async () => {
  await run('gone', 7);
  const opened = await run('b', 8, 'select');
  const options = { ...ALL, forget: ['gone'] };
  expect((await planPrune(opened, { ...options, nowMs: Date.now() })).remove).toEqual([]);
  const { remove, notes } = await planPrune(opened, options);
  expect(notes).toEqual([expect.stringContaining('the run b may still need them')]);
  expect(remove.some(({ path }) => path.startsWith('stages/evaluate-task'))).toBe(false);
  expect(remove.some(({ path }) => path.startsWith('stages/train'))).toBe(true);
});

test('with a size, the oldest go first, until the store is small enough', async () => {
  const gone = await run('gone', 7);
  const opened = await run('b', 8);
  const train = join(folder(), gone.stages.folder(trainStage.at(gone.plan, 'method').address));
  const old = (Date.now() - 100 * DAY_MS) / 1000;
  for (const name of readdirSync(train)) utimesSync(join(train, name), old, old);
  const options = { ...ALL, forget: ['gone'] };
  const { storeBytes, removeBytes, spared } = await planPrune(opened, { ...options, keepUnderBytes: 1 });
  expect(spared).toBe(0);
  const some = await planPrune(opened, { ...options, keepUnderBytes: storeBytes - 1 });
  expect(some.remove.map(({ path }) => path)).toEqual([expect.stringMatching(/^stages\/train\//)]);
  expect(some.removeBytes + some.spared).toBe(removeBytes);
});

test('temporary files of writers that were killed are removed', async () => {
  const opened = await run('a', 7);
  const file = join(folder(), 'plans', 'x.json.tmp-123-0a1b2c3d');
  writeFileSync(file, 'half');
  const plan = await planPrune(opened, ALL);
  expect(plan.remove).toMatchObject([{ what: 'temporary file', bytes: 4 }]);
  await prune(opened, plan, {});
  expect(existsSync(file)).toBe(false);
});

test('claims on outputs, and new data, go with the last run that needs them', async () => {
  const [kept, gone] = [await run('a', 7), await run('gone', 8)];
  const claimOf = ({ plan }: SampleRun): string => `claims/select/${plan.keys.select}/00000/owner-1`;
  for (const file of [claimOf(kept), claimOf(gone), `new-data/${kept.plan.content.newData}.jsonl`, 'new-data/earlier.jsonl']) {
    mkdirSync(dirname(join(folder(), file)), { recursive: true });
    writeFileSync(join(folder(), file), 'x');
  }
  const options = { ...ALL, forget: ['gone'] };
  const plan = await planPrune(gone, options);
  expect(plan.remove.filter(({ what }) => what === 'claim' || what === 'new data').map(({ path, what }) => [path, what])).toEqual(
    expect.arrayContaining([
      [dirname(dirname(claimOf(gone))), 'claim'],
      ['new-data/earlier.jsonl', 'new data'],
    ]),
  );
  await prune(gone, plan, options);
  const there = [claimOf(kept), claimOf(gone), `new-data/${kept.plan.content.newData}.jsonl`, 'new-data/earlier.jsonl'];
  expect(there.map((file) => existsSync(join(folder(), file)))).toEqual([true, false, true, false]);
});

test('what a run needs since the look is not removed', async () => {
  const first = await run('a', 7);
  const plan = await planPrune(first, { ...ALL, forget: ['a'] });
  expect(plan.remove.length).toBeGreaterThan(0);
  await run('b', 7); // the same spec under another name
  const removed = await prune(first, plan, { forget: ['a'] });
  expect(removed).toEqual([]);
});

test('nothing is removed where a plan cannot be read', async () => {
  const opened = await run('a', 7);
  const [name = ''] = readdirSync(join(folder(), 'plans'));
  writeFileSync(join(folder(), 'plans', name), '{}');
  await expect(planPrune(openStore(folder()), ALL)).rejects.toThrow(/damaged/);
  expect(opened.plan.spec.seed).toBe(7);
});
