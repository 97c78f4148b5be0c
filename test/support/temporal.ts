import { setMaxListeners } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, type Worker, type WorkflowBundle } from '@temporalio/worker';
import pino from 'pino';
import type { ActivityDeps } from '../../activities/deps';
import { QUEUE_NAMES, type QueueName } from '../../contract/task-queues';
import { EnqueuedTokens } from '../../services/batches/enqueued-tokens';
import { ReplyWatches } from '../../services/batches/reply-watches';
import { Endpoints } from '../../services/endpoints/endpoints';
import type { ModelServers } from '../../services/local/model-server';
import { ensureTemporal } from '../../services/local/temporal-server';
import { createWorkerMetrics } from '../../services/metrics/worker-metrics';
import type { PythonJobs } from '../../services/python/python-jobs';
import { openStore, type OpenStore } from '../../services/runs/open-store';
import { workerFactories } from '../../workers';
import { ensureSearchAttributes } from '../../workers/search-attributes';
import { startDevServer } from './dev-server';
import { oncePerRun } from './once-per-run';

/** Says nothing; `npm test` has set everything up before. */
export const quietReporter = { step: () => ({ update: () => undefined, done: () => undefined, fail: () => undefined }) };

/** A real dev server, with the search attributes of a run. */
export async function startTemporal(): Promise<TestWorkflowEnvironment> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  return await startAnotherTemporal();
}

/** A second server, with a history of its own, beside one of `useTemporal`. */
export async function startAnotherTemporal(): Promise<TestWorkflowEnvironment> {
  const { path } = await ensureTemporal(quietReporter);
  const environment = await startDevServer(path);
  await ensureSearchAttributes(environment.connection, environment.namespace ?? 'default');
  return environment;
}

/**
 * A dev server of the test file's own, ended after its tests and before hooks that are declared later: a file whose workers run on until
 * then starts one by itself. Call where the tests are declared; call the result within a test.
 */
export function useTemporal(): () => TestWorkflowEnvironment {
  let environment: TestWorkflowEnvironment | undefined;
  beforeAll(async () => {
    environment = await startTemporal();
  }, 600_000);
  afterAll(async () => await environment?.teardown());
  return () => {
    if (environment === undefined) throw new Error('the Temporal server is there only within hooks and tests');
    return environment;
  };
}

export interface TestDeps {
  readonly python: PythonJobs;
  readonly hasPython?: () => Promise<boolean>;
  readonly root?: string;
  /** Instead of the store in `root`. */
  readonly opened?: OpenStore;
  readonly draining?: AbortSignal;
  readonly servers?: ModelServers;
}

const NO_SERVERS: ModelServers = { serve: async () => await Promise.reject(new Error('this test serves nothing')) };

/** Real dependencies over a store of their own; training and evaluation are handed in. */
export function testDeps({
  python,
  hasPython,
  root = mkdtempSync(join(tmpdir(), 'rehearse-test-')),
  opened = openStore(root),
  draining = new AbortController().signal,
  servers = NO_SERVERS,
}: TestDeps): ActivityDeps & { readonly root: string } {
  setMaxListeners(0, draining); // every activity listens, as in a worker
  return {
    root,
    ...opened,
    endpoints: new Endpoints({}),
    enqueued: new EnqueuedTokens(),
    watches: new ReplyWatches(),
    python,
    ...(hasPython === undefined ? {} : { hasPython }),
    servers,
    weights: { resolve: async (weights) => ({ path: weights, identity: weights }) },
    env: {},
    log: pino({ level: 'silent' }),
    metrics: createWorkerMetrics('test'),
    draining,
  };
}

/** Workers of all queues, or of some, around `body`; they are shut down when it ends. */
export async function withWorkers<T>(
  environment: TestWorkflowEnvironment,
  deps: ActivityDeps,
  body: () => Promise<T>,
  queues: readonly QueueName[] = QUEUE_NAMES,
): Promise<T> {
  const setting = {
    connection: environment.nativeConnection,
    namespace: environment.namespace ?? 'default',
    deps,
    workflowBundle: await workflowBundle(),
  };
  const workers: Worker[] = [];
  for (const queue of queues) workers.push(await workerFactories[queue](setting));
  const running = Promise.all(workers.map((worker) => worker.run()));
  try {
    return await body();
  } finally {
    for (const worker of workers) worker.shutdown();
    await running;
  }
}

/** The workflows' code, made once a run of the tests. */
export async function workflowBundle(): Promise<WorkflowBundle> {
  const make = async (): Promise<string> =>
    (await bundleWorkflowCode({ workflowsPath: require.resolve('../../workflows'), logger: new DefaultLogger('ERROR') })).code;
  return { code: await oncePerRun('workflow-bundle.js', make) };
}
