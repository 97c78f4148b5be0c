import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import { controlQuery, pauseUpdate, resumeUpdate, setBudgetUpdate } from '../../contract/control';
import { TASK_QUEUES } from '../../contract/task-queues';
import { costOf } from '../../planning/price';
import { judgmentOutputs } from '../../stages/judge-keys';
import { respondStage } from '../../stages/respond';
import type { OutputRef } from '../../stages/stage';
import { experiment } from '../../workflows';
import { pendingActivities, until } from '../support/control';
import { FakeBatches, type FakeBatchesOptions } from '../support/fake-batches';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const PRICE = { inputUsdPerMillion: 1_000, cachedInputUsdPerMillion: 100, outputUsdPerMillion: 3_000, batchFactor: 0.5 };

const environment = useTemporal();
const endpoint = useFakeEndpoint();
let provider: FakeBatches;
let root: string;

beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'rehearse-test-'))));
afterEach(async () => {
  await provider.close();
  rmSync(root, { recursive: true });
});

/** The target answers live, `other` in batches; both answer and judge. */
async function batchedSpec(options: FakeBatchesOptions, change: (spec: RunSpecInput) => void = () => undefined): Promise<RunSpec> {
  provider = await FakeBatches.start(options);
  return smallSpec(endpoint().baseURL, (spec) => {
    Object.assign(spec.models['other']!, {
      baseURL: provider.baseURL,
      id: 'other-model',
      mode: 'batch',
      batch: { api: options.api ?? 'openai', pollSeconds: 0.1 },
      price: PRICE,
    });
    spec.models['target']!.price = PRICE;
    spec.until = 'replay';
    change(spec);
  });
}

let round = 0;

async function start(spec: RunSpec) {
  return await environment().client.workflow.start(experiment, {
    workflowId: `batched-${round++}`,
    taskQueue: TASK_QUEUES.orchestration,
    args: [spec],
  });
}

test.each([
  ['', () => undefined],
  [', judged in rounds', (draft: RunSpecInput) => Object.assign(draft.synthesis.judge, { skip: 'cannot-win', rounds: 'prospects' })],
])(
  'live and batch models in one run%s, with batches that expire and lines that fail: the report has the bill, and the same run made live needs no call again',
  async (_, change) => {
    const spec = await batchedSpec(
      {
        cached: (prompt) => Math.floor(prompt / 2),
        fate: ({ number, lines }) => (number % 3 === 1 ? { end: 'expired', done: Math.ceil(lines.length / 2) } : { end: 'completed' }),
        lineError: (_, { number }) => (number === 2 ? { status: 500, type: 'server_error' } : undefined),
      },
      (draft) => void change(draft),
    );
    const deps = testDeps({ python: fakePythonJobs(), root });
    await withWorkers(environment(), deps, async () => {
      const handle = await start(spec);
      expect(await handle.result()).toMatchObject({ replayRows: 8 });
      const plan = await deps.plans.load((await deps.plans.findRun(handle.workflowId))?.plan ?? '');
      const outputs = plan.shards.flatMap((shard) => [
        respondStage.at(plan, shard, 'other'),
        ...['target', 'other'].flatMap((generator) => judgmentOutputs(plan, shard, 'other', generator)),
      ]);
      const counted = await Promise.all(outputs.map(async (output: OutputRef) => (await deps.stages.findManifest(output))?.stats.counted));
      const usd = counted.reduce((sum, usage) => sum + (usage === undefined ? 0 : costOf(usage, PRICE).usd), 0);
      const billed = provider.bills
        .filter(({ how }) => how === 'batch')
        .map(({ prompt, cached, completion }) => (0.5 * ((prompt - cached) * 1_000 + cached * 100 + completion * 3_000)) / 1e6);
      expect(usd).toBeCloseTo(
        billed.reduce((sum, each) => sum + each, 0),
        10,
      );
      const asked = provider.bills.length;
      const live = structuredClone(spec);
      delete live.models['other']!.mode;
      expect(await (await start(live)).result()).toMatchObject({ replayRows: 8 });
      expect(provider.bills).toHaveLength(asked);
      expect(provider.billedTwice()).toHaveLength(0);
    });
  },
  600_000,
);

test('batches go on while a run is paused, and while no worker is there', async () => {
  const spec = await batchedSpec({ api: 'together' });
  provider.hold();
  const handle = await withWorkers(environment(), testDeps({ python: fakePythonJobs(), root }), async () => {
    const started = await start(spec);
    await until(async () => await Promise.resolve(provider.running.length > 1 ? true : undefined));
    await started.executeUpdate(pauseUpdate, { args: [{}] });
    return started;
  });
  provider.release();
  await withWorkers(environment(), testDeps({ python: fakePythonJobs(), root }), async () => {
    await handle.executeUpdate(resumeUpdate, { args: [] });
    expect(await handle.result()).toMatchObject({ replayRows: 8 });
  });
  expect(provider.billedTwice()).toHaveLength(0);
}, 600_000);

/** The target's own answers to the prompts of a set, judged, all by batches; nothing is extracted. */
async function ownAnswersSpec(options: FakeBatchesOptions): Promise<RunSpec> {
  const prompts = join(root, 'prompts.jsonl');
  const row = (n: number): string =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `Set question ${n}?` },
        { role: 'assistant', content: 'No.' },
      ],
    });
  writeFileSync(prompts, [1, 2, 3, 4].map((n) => `${row(n)}\n`).join(''));
  return await batchedSpec(options, (draft) => {
    draft.models['target'] = { ...draft.models['other']!, model: 'target', id: 'target-model' };
    draft.variants = [{ name: 'own', replay: { ownAnswers: prompts, pick: 'judged' } }];
  });
}

test("the target's own answers and their judgments are ordered in batches, and a cancelled run cancels those too", async () => {
  const spec = await ownAnswersSpec({});
  provider.hold();
  await withWorkers(environment(), testDeps({ python: fakePythonJobs(), root }), async () => {
    const cancelled = await start(spec);
    await until(async () => await Promise.resolve(provider.running.length > 1 ? true : undefined));
    await cancelled.cancel();
    await expect(cancelled.result()).rejects.toThrow('cancelled');
    expect(provider.batches.every(({ cancelling }) => cancelling)).toBe(true);
    provider.release();
    await (await start(spec)).result();
  });
  expect(endpoint().requests).toHaveLength(0);
  expect(provider.bills.filter(({ how }) => how === 'live')).toHaveLength(0);
  expect(provider.billedTwice()).toHaveLength(0);
}, 600_000);

test('a cancelled run cancels its batches at the provider', async () => {
  const spec = await batchedSpec({});
  provider.hold();
  await withWorkers(environment(), testDeps({ python: fakePythonJobs(), root }), async () => {
    const handle = await start(spec);
    await until(async () => await Promise.resolve(provider.running.length > 1 ? true : undefined));
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow('cancelled');
    expect(provider.batches.every(({ cancelling }) => cancelling)).toBe(true);
  });
}, 600_000);

test('a lowered budget cancels what is ordered, answers with its worst case, and is not passed', async () => {
  const spec = await batchedSpec({}, (draft) => {
    draft.budget = { usd: 1_000 };
  });
  provider.hold();
  await withWorkers(environment(), testDeps({ python: fakePythonJobs(), root }), async () => {
    const handle = await start(spec);
    await until(async () => {
      const waiting = await pendingActivities(environment(), handle.workflowId);
      return provider.running.length > 1 && waiting.every((type) => type === 'respondShard' || type === 'judgeShard') ? true : undefined;
    });
    const told = await handle.executeUpdate(setBudgetUpdate, { args: [{ usd: 0.01 }] });
    expect(JSON.stringify(told)).toContain('inFlight');
    await until(async () => await Promise.resolve(provider.running.every(({ cancelling }) => cancelling) ? true : undefined));
    provider.release();
    await until(async () => ((await handle.query(controlQuery)).pausedBy === 'budget' ? true : undefined));
    await handle.executeUpdate(setBudgetUpdate, { args: [{ usd: 1_000 }] });
    await handle.executeUpdate(resumeUpdate, { args: [] }).catch(() => undefined); // raised, it goes on by itself
    expect(await handle.result()).toMatchObject({ replayRows: 8 });
  });
  expect(provider.billedTwice()).toHaveLength(0);
}, 600_000);
