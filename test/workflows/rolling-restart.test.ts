import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { NativeConnection } from '@temporalio/worker';
import { QUEUE_NAMES, TASK_QUEUES } from '../../contract/task-queues';
import { openStore } from '../../services/runs/open-store';
import { runWorkers } from '../../workers/run';
import { experiment } from '../../workflows';
import { until } from '../support/control';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, workflowBundle } from '../support/temporal';

const environment = useTemporal();
const GENERATIONS = 3;

interface Generation {
  /** Asks them to stop, as SIGTERM does. */
  readonly stop: () => void;
  readonly ended: Promise<void>;
}

/** Workers of all queues, as one process has them, over a store that outlives them. */
async function startGeneration(root: string, jobs: RecordedJob[]): Promise<Generation> {
  const connection = await NativeConnection.connect({ address: environment().address });
  const stop = new AbortController();
  const ready = new AbortController();
  const ended = runWorkers({
    queues: QUEUE_NAMES,
    setting: { connection, namespace: environment().namespace ?? 'default', workflowBundle: await workflowBundle() },
    deps: (draining) => testDeps({ python: fakePythonJobs(jobs), root, opened: openStore(root), draining }),
    stop: stop.signal,
    onReady: () => ready.abort(),
  });
  if (!ready.signal.aborted) await Promise.race([once(ready.signal, 'abort'), ended]);
  return { stop: () => stop.abort(), ended: ended.then(async () => await connection.close()) };
}

test('a rolling restart of all workers, twice during a run and with calls in flight, repays nothing and repeats no training', async () => {
  const endpoint = await FakeEndpoint.start({ latencyMs: 20 });
  const { root } = testDeps({ python: fakePythonJobs() });
  const jobs: RecordedJob[] = [];
  let generation = await startGeneration(root, jobs);
  try {
    const spec = smallSpec(endpoint.baseURL);
    const handle = await environment().client.workflow.start(experiment, {
      workflowId: 'rolled',
      taskQueue: TASK_QUEUES.orchestration,
      args: [spec],
    });
    for (let restart = 1; restart < GENERATIONS; restart++) {
      const before = endpoint.requests.length;
      await until(async () => await Promise.resolve(endpoint.requests.length >= before + 8 ? true : undefined));
      endpoint.hold();
      await until(async () => await Promise.resolve(endpoint.requests.some(({ answered }) => !answered) ? true : undefined));
      const next = await startGeneration(root, jobs);
      generation.stop();
      endpoint.release();
      await generation.ended;
      generation = next;
    }
    const { replayRows } = await handle.result();
    expect(replayRows).toBe(8);
  } finally {
    generation.stop();
    endpoint.release();
    await generation.ended;
    await endpoint.close();
    rmSync(root, { recursive: true });
  }
  expect(endpoint.requests.every(({ answered }) => answered)).toBe(true);
  expect(endpoint.paidTwice()).toEqual([]);
  const trainings = jobs.filter(({ command }) => command === 'sft').map(({ spec }) => spec['outputDir']);
  expect(trainings.length).toBeGreaterThan(0);
  expect(new Set(trainings).size).toBe(trainings.length);
}, 600_000);
