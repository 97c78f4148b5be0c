import { rmSync } from 'node:fs';
import { WorkflowFailedError } from '@temporalio/client';
import type { RunSpec } from '../../../config/spec';
import { pauseUpdate, resumeUpdate } from '../../../contract/control';
import { TASK_QUEUES } from '../../../contract/task-queues';
import type { ModelServers } from '../../../services/local/model-server';
import { experiment } from '../../../workflows';
import { cancellationsHeard, until } from '../../support/control';
import { FakeEndpoint } from '../../support/fake-endpoint';
import { fakePythonJobs } from '../../support/fake-python-jobs';
import { smallSpec } from '../../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../../support/temporal';

const environment = useTemporal();

/** Servers whose models are answered by endpoints: each start, and each move, takes the next. */
class FakeServers implements ModelServers {
  readonly started: { readonly alias: string; readonly weights: string }[] = [];
  running = 0;
  move: () => Promise<void> = async () => undefined;

  constructor(private readonly endpoints: readonly FakeEndpoint[]) {}

  async serve({ alias, weights, stop, onReady, onState }: Parameters<ModelServers['serve']>[0]): Promise<never> {
    let next = this.started.length;
    this.started.push({ alias, weights });
    this.running++;
    this.move = async () => await onReady(this.endpoints[next++ % this.endpoints.length]!.baseURL);
    try {
      await this.move();
      onState('up');
      return await new Promise<never>((_, reject) => stop.addEventListener('abort', () => reject(stop.reason as Error), { once: true }));
    } finally {
      this.running--;
    }
  }
}

function servedSpec(endpoint: FakeEndpoint): RunSpec {
  return smallSpec(endpoint.baseURL, (spec) => {
    const { baseURL: _, ...target } = spec.models['target']!;
    spec.models['target'] = { ...target, serve: { engine: 'vllm' } };
    spec.variants = ['official'];
    spec.evaluate = { tasks: [{ task: 'ifeval' }] };
  });
}

test('a model that the run serves itself is called where its server is, moved with it, freed by a pause, and ended', async () => {
  const [other, first, second] = [await FakeEndpoint.start(), await FakeEndpoint.start(), await FakeEndpoint.start()];
  const servers = new FakeServers([first, second]);
  const deps = testDeps({ python: fakePythonJobs(), servers });
  await withWorkers(environment(), deps, async () => {
    first.hold();
    const handle = await environment().client.workflow.start(experiment, {
      workflowId: 'served',
      taskQueue: TASK_QUEUES.orchestration,
      args: [servedSpec(other)],
    });
    await first.received(1);
    expect(servers.started).toEqual([{ alias: 'target', weights: 'org/target-model' }]);

    await handle.executeUpdate(pauseUpdate, { args: [{}] });
    await cancellationsHeard(environment(), 'served');
    expect(servers.running).toBe(1); // calls in flight are waited for
    first.release();
    await until(async () => (servers.running === 0 ? true : undefined));
    const before = first.requests.length;
    await handle.executeUpdate(resumeUpdate); // which starts it at the second address

    await second.received(1);
    const result = await handle.result();
    expect(result.replayRows).toBe(8);
    expect(first.requests).toHaveLength(before);
    expect(servers.started).toHaveLength(2);
    expect(servers.running).toBe(0);
    // Every call once, wherever it went: half of the answers and judgments, and all instructions, are the target's.
    expect(first.requests.length + second.requests.length + other.requests.length).toBe(96);
  });
  for (const endpoint of [other, first, second]) await endpoint.close();
  rmSync(deps.root, { recursive: true });
}, 240_000);

test('the server of a run that is cancelled ends after the calls in flight', async () => {
  const [other, first] = [await FakeEndpoint.start(), await FakeEndpoint.start()];
  const servers = new FakeServers([first]);
  const deps = testDeps({ python: fakePythonJobs(), servers });
  await withWorkers(environment(), deps, async () => {
    first.hold();
    const handle = await environment().client.workflow.start(experiment, {
      workflowId: 'called-off',
      taskQueue: TASK_QUEUES.orchestration,
      args: [servedSpec(other)],
    });
    await first.received(1);
    await handle.cancel();
    await cancellationsHeard(environment(), 'called-off');
    expect(servers.running).toBe(1);
    first.release();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(servers.running).toBe(0);
    expect(first.requests.every(({ answered }) => answered)).toBe(true);
  });
  for (const endpoint of [other, first]) await endpoint.close();
  rmSync(deps.root, { recursive: true });
}, 240_000);

test('batches go on at the new address of a server that has moved', async () => {
  const [other, first, second] = [await FakeEndpoint.start(), await FakeEndpoint.start(), await FakeEndpoint.start()];
  const servers = new FakeServers([first, second]);
  const deps = testDeps({ python: fakePythonJobs(), servers });
  await withWorkers(environment(), deps, async () => {
    first.hold();
    const handle = await environment().client.workflow.start(experiment, {
      workflowId: 'moved',
      taskQueue: TASK_QUEUES.orchestration,
      args: [servedSpec(other)],
    });
    await first.received(1);
    await servers.move();
    first.release();
    expect((await handle.result()).replayRows).toBe(8);
    expect(second.requests.length).toBeGreaterThan(0);
    expect(first.requests.length + second.requests.length + other.requests.length).toBe(96);
    expect(servers.started).toHaveLength(1);
  });
  for (const endpoint of [other, first, second]) await endpoint.close();
  rmSync(deps.root, { recursive: true });
}, 240_000);
