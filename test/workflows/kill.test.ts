import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { TASK_QUEUES } from '../../config/task-queues';
import type { RunSpec } from '../../config/spec';
import type { ReplayRow } from '../../method/records';
import { openStore } from '../../services/open-store';
import { addresses } from '../../services/run-plan';
import { replayTable } from '../../services/tables';
import { experiment } from '../../workflows';
import { FakeEndpoint } from '../support/fake-endpoint';
import { smallSpec } from '../support/small-spec';
import { startTemporal } from '../support/temporal';

const CONCURRENCY = 4;
/** Requests after which the worker is killed, again and again. */
const KILLS_AT = [5, 30, 70];

let environment: TestWorkflowEnvironment;
let endpoint: FakeEndpoint;

beforeAll(async () => {
  environment = await startTemporal();
  endpoint = await FakeEndpoint.start({ latencyMs: 20 });
}, 600_000);

afterAll(async () => {
  await endpoint.close();
  await environment.teardown();
});

/** The workers that `npx rehearse worker` runs, but for the gpu queue: a run waits there once its replay set is made. */
function startWorker(home: string): ChildProcess {
  return spawn(process.execPath, [join(__dirname, '../../bin/rehearse.js'), 'worker', '--queue', 'orchestration', 'llm', 'cpu'], {
    env: { ...process.env, REHEARSE_HOME: home, TEMPORAL_ADDRESS: environment.address, REHEARSE_LOG: 'error' },
    stdio: 'ignore',
  });
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await new Promise<void>((resolve) => child.once('exit', () => resolve()));
}

/** Polls the run's history for the end of its synthesis. @throws when the run ends before */
async function synthesisEnd(handle: WorkflowHandle): Promise<void> {
  for (;;) {
    const { events = [] } = await handle.fetchHistory();
    if (events?.some((event) => event.childWorkflowExecutionCompletedEventAttributes?.workflowType?.name === 'synthesis')) return;
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') await handle.result();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Runs the synthesis, killing the workers each time that many requests have arrived; returns the replay set. */
async function replaySet(runId: string, spec: RunSpec, kills: readonly number[]): Promise<ReplayRow[]> {
  const home = mkdtempSync(join(tmpdir(), 'rehearse-kill-'));
  let worker = startWorker(home);
  const handle = await environment.client.workflow.start(experiment, { workflowId: runId, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
  const before = endpoint.requests.length;
  try {
    for (const count of kills) {
      await endpoint.received(before + count);
      worker.kill('SIGKILL');
      await gone(worker);
      worker = startWorker(home);
    }
    await synthesisEnd(handle);
    await handle.terminate();
  } finally {
    worker.kill('SIGKILL');
    await gone(worker);
  }
  const { plans, stages } = openStore(join(home, 'store'));
  const plan = await plans.load((await plans.findRun(runId))?.plan ?? '');
  const rows: ReplayRow[] = [];
  for (const shard of plan.shards) {
    const manifest = await stages.latest(addresses.select(plan, shard));
    if (manifest !== undefined) rows.push(...(await stages.readRows(manifest, replayTable)));
  }
  return rows;
}

test('a run whose workers are killed again and again makes the same replay set, and pays again only for calls in flight', async () => {
  const weights = mkdtempSync(join(tmpdir(), 'rehearse-weights-'));
  writeFileSync(join(weights, 'config.json'), '{}');
  writeFileSync(join(weights, 'model.safetensors'), 'weights');
  const spec = smallSpec(endpoint.baseURL, (draft) => {
    draft.target.weights = weights;
  });

  const undisturbed = await replaySet('undisturbed', spec, []);
  expect(undisturbed).toHaveLength(8);
  expect(endpoint.paidTwice()).toHaveLength(0);
  const calls = endpoint.requests.length;

  const disturbed = await replaySet('disturbed', spec, KILLS_AT);
  expect(disturbed).toEqual(undisturbed);
  // Calls of two endpoints can be in flight, each up to its limit, at each kill.
  expect(endpoint.requests.length - 2 * calls).toBeLessThanOrEqual(KILLS_AT.length * 2 * CONCURRENCY);
}, 300_000);
