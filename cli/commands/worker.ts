import { Option, type Command } from 'commander';
import type { Logger } from 'pino';
import { QUEUE_NAMES, TASK_QUEUES, type QueueName } from '../../contract/task-queues';
import { encryptingConverter } from '../../services/codec/aes-gcm-codec';
import { pickPort } from '../../services/local/free-port';
import { ensureModel } from '../../services/local/local-model';
import { onlyLook } from '../../services/local/only-look';
import { ensurePython } from '../../services/local/python-environment';
import { recordWorker, takeKilledWorkers } from '../../services/local/worker-records';
import { noticeTargets } from '../../services/notices/notice-targets';
import { openStore } from '../../services/runs/open-store';
import { release } from '../../services/runs/worker-report';
import { checkStoreWorks } from '../../services/store/store-check';
import { openTracing } from '../../services/tracing/tracing';
import { workerDeployment } from '../../workers/deployment';
import { giveBackLostWork } from '../../workers/lost-work';
import { metricsAddress, startMetricsServer } from '../../workers/metrics-server';
import { createDeps, createLog, installRuntime, runWorkers } from '../../workers/run';
import { ensureSearchAttributes } from '../../workers/search-attributes';
import { processIdentity } from '../../workers/self';
import { tracedWorker } from '../../workers/traced-worker';
import { connectNative, withClient } from '../server/connect';
import { CliError } from '../terminal/errors';
import { setUpReporter } from '../terminal/loudness';
import { onStopSignal } from '../terminal/signals';

/** `rehearse worker`: the workers of some or all task queues, in one process. */
export function registerWorker(program: Command): void {
  program
    .command('worker')
    .description('run the workers of some or all task queues, until SIGINT or SIGTERM')
    .addOption(new Option('--queue <name...>', 'queues to serve').choices([...QUEUE_NAMES]).default([...QUEUE_NAMES], 'all'))
    .addHelpText(
      'after',
      `
Queues: ${Object.values(TASK_QUEUES).join(', ')}.
Workers of one run share one store: set REHEARSE_STORE to the same s3://BUCKET/PREFIX or directory (default:
REHEARSE_HOME/store). API keys come from the variables that the spec names. On SIGTERM batches finish the calls in flight,
journal them, and give the rest back; allow two minutes.
Several processes that serve the llm queue share each model's limits through Redis where REHEARSE_REDIS_URL names one;
else set REHEARSE_LLM_WORKERS to their number, and each takes its part.
With REHEARSE_METRICS=PORT (or HOST:PORT), /metrics is offered to Prometheus there, and /healthz and /readyz to whoever keeps
the process running. With OTEL_EXPORTER_OTLP_ENDPOINT=URL, spans of runs are sent there.`,
    )
    .action(async ({ queue }: { queue: QueueName[] }) => {
      const log = createLog();
      const address = metricsAddress(process.env['REHEARSE_METRICS']);
      // A mistake in the environment is said before anything is opened.
      const dataConverter = encryptingConverter(process.env);
      const deployment = workerDeployment(process.env, release());
      noticeTargets(process.env);
      const tracing = await openTracing(process.env, release(), (problem) => log.warn({ problem }, 'spans were not sent'));
      const sdkAddress = address === undefined ? undefined : `127.0.0.1:${await pickPort(0)}`;
      installRuntime(log, sdkAddress);
      // Workflows never touch the store; all other work would fail without it.
      if (queue.some((name) => name !== 'orchestration')) await checkStoreWorks(openStore().store);
      const { connection, namespace } = await connectNative();
      await withClient(async (connected) => await ensureSearchAttributes(connected.connection, namespace));
      const takenOver = takeOverFromKilled(log);
      const forget = recordWorker(processIdentity());
      const reporter = setUpReporter();
      const stop = onStopSignal(() => log.info('stopping: batches finish the calls in flight, then give the rest back'));
      await runWorkers({
        queues: queue,
        setting: {
          connection,
          namespace,
          dataConverter,
          deployment,
          ...(tracing === undefined ? {} : { traced: await tracedWorker(tracing) }),
        },
        deps: (draining) =>
          createDeps(
            {
              python: async () => await ensurePython(reporter),
              hasPython: async () =>
                await ensurePython(onlyLook).then(
                  () => true,
                  () => false,
                ),
              builtinWeights: async (name) => await builtinWeights(name),
              ...(tracing === undefined ? {} : { tracing }),
            },
            draining,
            log,
          ),
        stop,
        onReady: () => log.info({ queues: queue, namespace }, 'workers are ready'),
        observe: async (observed) => {
          if (address === undefined) return async () => undefined;
          const server = await startMetricsServer({ ...address, ...observed, sdkAddress });
          log.info({ metrics: `${server.url}/metrics` }, 'metrics are offered');
          return async () => await server.close();
        },
      });
      await takenOver;
      await connection.close();
      await tracing?.close();
      forget();
      log.info('workers have stopped');
    });

  /** Where this fails, work of killed workers waits for its heartbeat timeout, as that of lost machines does. */
  async function takeOverFromKilled(log: Logger): Promise<void> {
    // A number that is used again is no other process.
    const killed = takeKilledWorkers().filter((identity) => identity !== processIdentity());
    if (killed.length === 0) return;
    try {
      const activities = await withClient(async ({ client }) => await giveBackLostWork(client, new Set(killed)));
      log.info({ killed, activities }, 'work of killed workers is scheduled again');
    } catch (error) {
      log.warn({ killed, err: error }, 'work of killed workers waits for its heartbeat timeout');
    }
  }

  async function builtinWeights(name: string): Promise<string> {
    if (name !== 'smollm2-135m-instruct') {
      throw new CliError(`builtin:${name} is unknown`, { hint: 'the one builtin model is builtin:smollm2-135m-instruct' });
    }
    const reporter = setUpReporter();
    return (await ensureModel(reporter, await ensurePython(reporter))).weightsDir;
  }
}
