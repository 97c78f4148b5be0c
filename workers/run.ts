import { setMaxListeners } from 'node:events';
import { DefaultLogger, Runtime, type Worker } from '@temporalio/worker';
import pino, { type Logger } from 'pino';
import type { ActivityDeps } from '../activities/deps';
import type { QueueName } from '../contract/task-queues';
import { EnqueuedTokens } from '../services/batches/enqueued-tokens';
import { ReplyWatches } from '../services/batches/reply-watches';
import { Endpoints } from '../services/endpoints/endpoints';
import { limitSharing } from '../services/limits/limit-sharing';
import { createModelServers } from '../services/local/model-server';
import { servingPython } from '../services/local/serving-python';
import { createWorkerMetrics } from '../services/metrics/worker-metrics';
import { createPythonJobs } from '../services/python/python-jobs';
import { openStore } from '../services/runs/open-store';
import { release } from '../services/runs/worker-report';
import type { Tracing } from '../services/tracing/tracing';
import { createWeightsResolver } from '../services/training/weights';
import { workerFactories } from '.';
import { activityFields } from './log-fields';
import type { ObservedProcess } from './metrics-server';
import { observedPythonJobs } from './observed-python-jobs';
import { createSelfWorker } from './self';
import type { WorkerSetting } from './setting';

/** What a worker process gets from its surroundings. */
export interface WorkerSurroundings {
  /** Interpreter and environment for training and evaluation. */
  readonly python: () => Promise<{ readonly python: string; readonly env: Readonly<Record<string, string | undefined>> }>;
  /** Whether that environment is made already. */
  readonly hasPython: () => Promise<boolean>;
  /** Directory of the weights of a `builtin:` model. */
  readonly builtinWeights: (name: string) => Promise<string>;
  /** Spans of this process, where it is traced. */
  readonly tracing?: Tracing;
}

/** Real dependencies of a worker process. */
export function createDeps(
  { python, hasPython, builtinWeights, tracing }: WorkerSurroundings,
  draining: AbortSignal,
  log: Logger,
): ActivityDeps {
  const metrics = createWorkerMetrics(release());
  const sharing = limitSharing(process.env, log);
  log.info({ limits: sharing.description }, 'how limits are shared');
  const calls = tracing === undefined ? undefined : { share: tracing.callShare };
  const endpoints = new Endpoints(process.env, sharing, metrics.callEnded, calls);
  metrics.readLimiters(() => endpoints.limiterStates());
  return {
    ...openStore(),
    endpoints,
    enqueued: new EnqueuedTokens(),
    watches: new ReplyWatches(),
    python: observedPythonJobs(
      createPythonJobs({ environment: python, stallAfterMs: milliseconds(process.env, 'REHEARSE_STALL_MINUTES', 'an hour') }),
      metrics,
    ),
    hasPython,
    servers: createModelServers({
      host: process.env['REHEARSE_SERVE_HOST'] ?? '127.0.0.1',
      environment: servingPython(process.env, python),
      readyTimeoutMs: milliseconds(process.env, 'REHEARSE_SERVE_MINUTES', 'half an hour'),
    }),
    weights: createWeightsResolver(builtinWeights),
    probes: process.env['REHEARSE_PROBE'] !== 'off',
    env: process.env,
    log,
    metrics,
    draining,
  };
}

/** A variable in minutes as milliseconds. @throws Error for what is no number above 0 */
function milliseconds(env: NodeJS.ProcessEnv, name: string, without: string): number | undefined {
  const { [name]: minutes } = env;
  if (minutes === undefined || minutes === '') return undefined;
  const value = Number(minutes);
  if (!(value > 0 && value <= 24 * 60)) {
    throw new Error(`${name} is ${JSON.stringify(minutes)}, expected minutes, above 0 and at most 1440; without it, ${without}`);
  }
  return value * 60_000;
}

/** Logger of a worker process: JSON lines on stderr, without the environment. */
export function createLog(level = process.env['REHEARSE_LOG'] ?? 'info'): Logger {
  return pino({ level, base: { pid: process.pid }, mixin: activityFields }, pino.destination({ dest: 2, sync: true }));
}

/**
 * Routes the SDK's logs into ours and leaves signals to us: on SIGTERM batches are to give their work back before the
 * workers shut down. Once a process, before any worker.
 * @param metricsAddress where the SDK offers its own metrics; nowhere when left out
 */
export function installRuntime(log: Logger, metricsAddress?: string): void {
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const { error, ...rest } = meta ?? {};
      log[level === 'ERROR' ? 'error' : 'warn']({ ...rest, ...(error === undefined ? {} : { err: error }) }, message);
    }),
    ...(metricsAddress === undefined
      ? {}
      : {
          telemetryOptions: {
            metrics: {
              prometheus: { bindAddress: metricsAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true },
            },
          },
        }),
  });
}

/** Runs workers of some queues until `stop` is aborted; then drains and shuts them down. */
export async function runWorkers(options: {
  readonly queues: readonly QueueName[];
  readonly setting: Omit<WorkerSetting, 'deps'>;
  readonly deps: (draining: AbortSignal) => ActivityDeps;
  readonly stop: AbortSignal;
  readonly onReady: () => void;
  /** Offers the process's metrics and its health until the returned function is called. */
  readonly observe?: (observed: ObservedProcess) => Promise<() => Promise<void>>;
}): Promise<void> {
  const draining = new AbortController();
  setMaxListeners(0, draining.signal); // every activity listens
  const deps = options.deps(draining.signal);
  const workers: Worker[] = [];
  for (const queue of options.queues) workers.push(await workerFactories[queue]({ ...options.setting, deps }));
  workers.push(await createSelfWorker({ ...options.setting, deps }, options.queues));
  const stopObserving = await options.observe?.({
    metrics: deps.metrics,
    // One that has failed ends the process; while it drains, it takes no new work.
    isReady: () => !draining.signal.aborted && workers.every((worker) => worker.getState() === 'RUNNING'),
  });
  const running = Promise.all(workers.map(async (worker) => await worker.run()));
  const onStop = (): void => {
    draining.abort();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  options.stop.addEventListener('abort', onStop, { once: true });
  if (options.stop.aborted) onStop();
  options.onReady();
  try {
    await running;
  } finally {
    await stopObserving?.();
    await deps.endpoints.close();
  }
}
