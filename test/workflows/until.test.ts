import { rmSync } from 'node:fs';
import { newConversations } from '../../activities/new-data';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import { TASK_QUEUES } from '../../contract/task-queues';
import { exportStage } from '../../export/export-rows';
import { gatherReport } from '../../report/gather/report-data';
import { experiment } from '../../workflows';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
const endpoint = useFakeEndpoint();

async function run(runId: string, spec: RunSpec): Promise<Awaited<ReturnType<typeof experiment>>> {
  return await environment().client.workflow.execute(experiment, { workflowId: runId, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
}

type Deps = ReturnType<typeof testDeps>;

async function rowsOf(deps: Deps, runId: string, stage: 'replay' | 'mixture' | 'failures'): Promise<Record<string, unknown>[]> {
  const record = await deps.plans.findRun(runId);
  const rows: Record<string, unknown>[] = [];
  for await (const part of exportStage(stage, { stages: deps.stages, plan: await deps.plans.load(record!.plan) }).parts()) {
    rows.push(...part);
  }
  return rows;
}

const change = (more: (spec: RunSpecInput) => void) => (spec: RunSpecInput) => {
  spec.target = { model: 'target' };
  more(spec);
};

describe('a run that ends early', () => {
  test('with the replay set needs no new data, no weights and no GPU, and the whole run later pays for nothing of it again', async () => {
    const jobs: RecordedJob[] = [];
    const deps = testDeps({ python: fakePythonJobs(jobs) });
    const early = smallSpec(
      endpoint().baseURL,
      change((spec) => {
        delete spec.mix;
        spec.until = 'replay';
      }),
    );
    await withWorkers(environment(), deps, async () => {
      const result = await run('only-replay', early);
      expect(result).toMatchObject({ replayRows: 8, variants: [] });
      expect(jobs).toEqual([]);
      expect(await rowsOf(deps, 'only-replay', 'replay')).toHaveLength(8);
      expect(await rowsOf(deps, 'only-replay', 'failures')).toEqual([]);
      const { stages, plans, store } = deps;
      const report = await gatherReport({ store, stages, plans, runId: 'only-replay', now: new Date() });
      expect(report).toMatchObject({ finished: true, missing: [], mixture: null, training: null });
      const calls = endpoint().requests.length;

      const whole = await run('whole-later', smallSpec(endpoint().baseURL));
      expect(whole.replayRows).toBe(8);
      expect(endpoint().requests).toHaveLength(calls);
    });
    rmSync(deps.root, { recursive: true });
  });

  test('with the mixtures needs no weights and no GPU, and gives the mixture of every variant', async () => {
    const jobs: RecordedJob[] = [];
    const deps = testDeps({ python: fakePythonJobs(jobs) });
    const spec = smallSpec(
      endpoint().baseURL,
      change((input) => {
        input.until = 'mixture';
        input.variants = ['official', 'method', 'ultrachat', 'new-data-only'];
      }),
    );
    await withWorkers(environment(), deps, async () => {
      const { variants, report } = await run('only-mixtures', spec);
      expect(variants).toEqual([
        { variant: 'method', examples: 10, scores: {} },
        { variant: 'ultrachat', examples: 10, scores: {} },
        { variant: 'new-data-only', examples: 2, scores: {} },
      ]);
      expect(report).toMatch(/report\.html$/);
      expect(jobs.map(({ command }) => command)).toEqual(['datasets']); // the public set: the cpu queue's
      expect(await rowsOf(deps, 'only-mixtures', 'mixture')).toHaveLength(10);
    });
    rmSync(deps.root, { recursive: true });
  });

  test('takes new data of the hub, fetched and checked before the first call, with the calls and tools of its rows', async () => {
    const jobs: RecordedJob[] = [];
    const deps = testDeps({ python: fakePythonJobs(jobs) });
    const spec = smallSpec(
      endpoint().baseURL,
      change((input) => {
        input.until = 'mixture';
        input.mix!.newData = [{ hub: 'org/set', revision: 'abc' }, input.mix!.newData as string];
      }),
    );
    await withWorkers(environment(), deps, async () => {
      await run('from-the-hub', spec);
      expect(jobs.map(({ command, spec: { source } }) => [command, source])).toEqual([
        ['datasets', { from: 'hub', hub: 'org/set', revision: 'abc', config: null, splits: [], streaming: false }],
      ]);
      const record = await deps.plans.findRun('from-the-hub');
      const plan = await deps.plans.load(record!.plan);
      const rows = await newConversations(deps, plan, { stop: new AbortController().signal, heartbeat: () => undefined });
      expect(rows.map(({ id }) => id)).toEqual([
        ...[0, 1, 2, 3].map((n) => `n0.train.000000${n}`),
        ...[1, 2, 3, 4].map((n) => `n1.0.000000${n}`),
      ]);
      expect(jobs).toHaveLength(1);
    });
    rmSync(deps.root, { recursive: true });
  });
});
