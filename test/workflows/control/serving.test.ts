import { rmSync } from 'node:fs';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
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

interface ServedRun {
  readonly handle: WorkflowHandle<typeof experiment>;
  readonly servers: FakeServers;
  /** Answers at the spec's own address, which nobody serves. */
  readonly other: FakeEndpoint;
  /** Behind the servers; the first has received a call, and holds it. */
  readonly endpoints: readonly FakeEndpoint[];
}

/** Starts a run that serves its target, with as many addresses for its servers, and does the rest while its first call is in flight. */
async function whileServed(workflowId: string, addresses: number, rest: (run: ServedRun) => Promise<void>): Promise<void> {
  const other = await FakeEndpoint.start();
  const endpoints = await Promise.all(Array.from({ length: addresses }, async () => await FakeEndpoint.start()));
  const servers = new FakeServers(endpoints);
  const deps = testDeps({ python: fakePythonJobs(), servers });
  await withWorkers(environment(), deps, async () => {
    endpoints[0]!.hold();
    const handle = await environment().client.workflow.start(experiment, {
      workflowId,
      taskQueue: TASK_QUEUES.orchestration,
      args: [servedSpec(other)],
    });
    await endpoints[0]!.received(1);
    await rest({ handle, servers, other, endpoints });
  });
  for (const endpoint of [other, ...endpoints]) await endpoint.close();
  rmSync(deps.root, { recursive: true });
}

function callsOf(...endpoints: readonly FakeEndpoint[]): number {
  return endpoints.reduce((sum, { requests }) => sum + requests.length, 0);
}

test('a model that the run serves itself is called where its server is, moved with it, freed by a pause, and ended', async () => {
  await whileServed('served', 2, async ({ handle, servers, other, endpoints }) => {
    const [first, second] = endpoints as [FakeEndpoint, FakeEndpoint];
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
    expect(callsOf(first, second, other)).toBe(96);
  });
}, 240_000);

test('the server of a run that is cancelled ends after the calls in flight', async () => {
  await whileServed('called-off', 1, async ({ handle, servers, endpoints }) => {
    const [first] = endpoints as [FakeEndpoint];
    await handle.cancel();
    await cancellationsHeard(environment(), 'called-off');
    expect(servers.running).toBe(1);
    first.release();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(servers.running).toBe(0);
    expect(first.requests.every(({ answered }) => answered)).toBe(true);
  });
}, 240_000);

test('batches go on at the new address of a server that has moved', async () => {
  await whileServed('moved', 2, async ({ handle, servers, other, endpoints }) => {
    const [first, second] = endpoints as [FakeEndpoint, FakeEndpoint];
    await servers.move();
    first.release();
    expect((await handle.result()).replayRows).toBe(8);
    expect(second.requests.length).toBeGreaterThan(0);
    expect(callsOf(first, second, other)).toBe(96);
    expect(servers.started).toHaveLength(1);
  });
}, 240_000);

test('a model that the run serves is asked what it takes once its server is up, and what is found is followed to the end', async () => {
  const served = await FakeEndpoint.start({ supportsN: false });
  const other = await FakeEndpoint.start();
  const deps = { ...testDeps({ python: fakePythonJobs(), servers: new FakeServers([served]) }), probes: true };
  try {
    await withWorkers(environment(), deps, async () => {
      const result = await environment().client.workflow.execute(experiment, {
        workflowId: 'served-and-asked',
        taskQueue: TASK_QUEUES.orchestration,
        args: [servedSpec(other)],
      });
      expect(result.replayRows).toBe(8);
    });
    const record = await deps.plans.findRun('served-and-asked');
    const { spec } = await deps.plans.load(record?.plan ?? '');
    expect(spec.models['target']).toMatchObject({ supportsN: false, serve: { engine: 'vllm' } });
    expect(record?.warnings.join('\n')).toContain('models.target.supportsN: false: found by asking the endpoint');
    expect(await deps.store.list('probes')).toHaveLength(2);
    expect(served.requests.slice(0, 2).every(({ body }) => Number(body.max_tokens) <= 16)).toBe(true);
  } finally {
    await Promise.all([served.close(), other.close()]);
    rmSync(deps.root, { recursive: true, force: true });
  }
}, 240_000);
