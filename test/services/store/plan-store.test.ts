import { join } from 'node:path';
import { LocalArtifactStore } from '../../../services/store/artifact-store';
import { PlanStore } from '../../../services/store/plan-store';
import { stageKeys } from '../../../stages/chain';
import { partition } from '../../../stages/planned';
import { type RunPlan } from '../../../stages/run-plan';
import { smallSpec } from '../../support/small-spec';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();
const plans = (): PlanStore => new PlanStore(new LocalArtifactStore({ root: temp() }));

const spec = smallSpec('http://127.0.0.1:9/v1');
const content = { newData: 'n', weights: 'w', evaluation: ['hub'], replayFiles: {} };
const plan: RunPlan = { spec, content, keys: stageKeys(spec, content), shards: partition(8, 3) };

test('a plan that was saved is loaded by another process as it was', async () => {
  const hash = await plans().save(plan);
  expect(hash).toMatch(/^[0-9a-f]{20}$/);
  expect(await plans().load(hash)).toEqual(JSON.parse(JSON.stringify(plan)));
});

test('the same plan has the same hash, whatever the order of its keys, and another plan another', async () => {
  const reordered = Object.fromEntries(Object.entries(plan).reverse()) as unknown as RunPlan;
  const hash = await plans().save(plan);
  expect(await plans().save(reordered)).toBe(hash);
  expect(await plans().save({ ...plan, shards: partition(8, 4) })).not.toBe(hash);
});

test('a plan is read from disk once', async () => {
  const store = plans();
  const hash = await store.save(plan);
  const first = await store.load(hash);
  await new LocalArtifactStore({ root: temp() }).remove('plans');
  expect(await store.load(hash)).toBe(first);
});

test("a plan that the store lacks is told with the store's place, since workers may look into different ones", async () => {
  await expect(plans().load('0123456789abcdef0123')).rejects.toThrow(
    `plan 0123456789abcdef0123 is not in the store at ${join(temp(), 'plans')}; all workers of a run must share one store (REHEARSE_STORE, REHEARSE_HOME)`,
  );
});

test('runs are recorded, found, replaced and listed', async () => {
  const record = { runId: 'demo', plan: 'p1', startedAt: '2026-01-01T00:00:00.000Z', warnings: ['one'] };
  expect(await plans().listRuns()).toEqual([]);
  expect(await plans().findRun('demo')).toBeUndefined();
  await plans().saveRun(record);
  await plans().saveRun({ ...record, runId: 'another' });
  await plans().saveRun({ ...record, plan: 'p2' });
  expect(await plans().findRun('demo')).toEqual({ ...record, plan: 'p2' });
  expect(await plans().listRuns()).toEqual(['another', 'demo']);
});

test('a run id that would leave the store is refused', async () => {
  await expect(plans().findRun('../../etc')).rejects.toThrow('is not allowed');
});
