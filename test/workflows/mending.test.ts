import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowFailedError, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { mendSignal } from '../../contract/control';
import { TASK_QUEUES } from '../../contract/task-queues';
import { exportStage } from '../../export/export-rows';
import type { PythonJobs } from '../../services/python/python-jobs';
import { sleep } from '../../services/timing/sleep';
import { extractStage } from '../../stages/extract';
import { judgeStage } from '../../stages/judge';
import type { RunPlan } from '../../stages/run-plan';
import type { OutputRef } from '../../stages/stage';
import { experiment } from '../../workflows';
import { until } from '../support/control';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
const endpoint = useFakeEndpoint();

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof experiment>;

/** A run that stands in its training, which begins again when it is stopped, until it is let go. */
async function withStandingRun(
  runId: string,
  body: (run: {
    readonly handle: Handle;
    readonly again: () => Promise<Handle>;
    readonly plan: RunPlan;
    readonly damage: (output: OutputRef) => Promise<void>;
    readonly judgments: () => Promise<unknown[]>;
    readonly letGo: () => void;
  }) => Promise<void>,
): Promise<void> {
  const jobs: RecordedJob[] = [];
  let held = true;
  const plain = fakePythonJobs(jobs);
  const python: PythonJobs = {
    async run(job) {
      while (held && job.command === 'sft') await sleep(50, job.stop);
      return await plain.run(job);
    },
  };
  const deps = testDeps({ python });
  const spec = smallSpec(endpoint().baseURL);
  const again = async (): Promise<Handle> =>
    await environment().client.workflow.start(experiment, { workflowId: runId, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
  await withWorkers(environment(), deps, async () => {
    const handle = await again();
    const mixed = async (): Promise<true | undefined> => {
      const record = await deps.plans.findRun(runId);
      if (record === undefined) return undefined;
      const { keys } = await deps.plans.load(record.plan);
      return (await deps.store.list(`stages/mix/${keys.variants['method']?.mix ?? ''}/all`)).length > 0 ? true : undefined;
    };
    await until(mixed);
    const plan = await deps.plans.load((await deps.plans.findRun(runId))?.plan ?? '');
    await body({
      handle,
      again,
      plan,
      damage: async ({ stage, address }) => {
        const manifest = await deps.stages.findManifest({ stage, address });
        const file = join(deps.root, deps.stages.folder(address), manifest!.rows.file);
        const data = readFileSync(file);
        data[data.length >> 1]! ^= 4;
        writeFileSync(file, data);
      },
      judgments: async () => {
        const rows: unknown[] = [];
        for await (const part of exportStage('judgments', { stages: deps.stages, plan }).parts()) rows.push(...part);
        return rows;
      },
      letGo: () => (held = false),
    });
  });
  rmSync(deps.root, { recursive: true });
}

/** What the rows are once as many can be read: what is set aside is missing for a moment. */
async function whole(read: () => Promise<unknown[]>, rows: number): Promise<unknown[]> {
  return await until(async () => {
    const seen = await read().catch(() => []);
    return seen.length === rows ? seen : undefined;
  });
}

test('a run that stands before its report, resumed or started while it is open, makes again what is damaged', async () => {
  await withStandingRun('standing', async ({ handle, plan, damage, judgments, letGo }) => {
    const before = await judgments();
    const calls = endpoint().requests.length;
    await damage(judgeStage.at(plan, plan.shards[0]!, 'other', 'target'));
    await damage(extractStage.at(plan, plan.shards[1]!));
    await expect(judgments()).rejects.toThrow(/is damaged: .*start the run again: what is damaged is made again$/);
    await handle.signal(mendSignal); // what `resume` and `start` send to a run that is open
    expect(await whole(judgments, before.length)).toEqual(before);
    expect(endpoint().requests).toHaveLength(calls);
    letGo();
    expect((await handle.result()).replayRows).toBe(8);
  });
}, 300_000);

test('a run that was cancelled before its report, started again, makes again what is damaged before it comes to its end', async () => {
  await withStandingRun('cancelled', async ({ handle, again, plan, damage, judgments, letGo }) => {
    const before = await judgments();
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    await damage(judgeStage.at(plan, plan.shards[2]!, 'target', 'other'));
    await expect(judgments()).rejects.toThrow(/is damaged/);
    const calls = endpoint().requests.length;
    const second = await again();
    expect(await whole(judgments, before.length)).toEqual(before);
    expect(endpoint().requests).toHaveLength(calls);
    letGo();
    expect((await second.result()).replayRows).toBe(8);
  });
}, 300_000);

test('a run in which nothing is damaged goes on undisturbed', async () => {
  await withStandingRun('sound', async ({ handle, letGo }) => {
    await handle.signal(mendSignal);
    letGo();
    expect((await handle.result()).replayRows).toBe(8);
  });
}, 300_000);
