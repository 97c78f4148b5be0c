import { Option, type Command } from 'commander';
import { QUEUE_NAMES, TASK_QUEUES, type QueueName } from '../../contract/task-queues';
import { ensureModel } from '../../services/local/local-model';
import { ensurePython } from '../../services/local/python-environment';
import { consoleReporter } from '../../services/local/setup-reporter';
import { openStore } from '../../services/runs/open-store';
import { checkStoreWorks } from '../../services/store/store-check';
import { createDeps, createLog, installRuntime, runWorkers } from '../../workers/run';
import { ensureSearchAttributes } from '../../workers/search-attributes';
import { connect, connectNative } from '../server/connect';
import { CliError } from '../terminal/errors';
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
else set REHEARSE_LLM_WORKERS to their number, and each takes its part.`,
    )
    .action(async ({ queue }: { queue: QueueName[] }) => {
      const log = createLog();
      installRuntime(log);
      // Workflows never touch the store; all other work would fail without it.
      if (queue.some((name) => name !== 'orchestration')) await checkStoreWorks(openStore().store);
      const { connection, namespace } = await connectNative();
      const { connection: clientConnection } = await connect();
      await ensureSearchAttributes(clientConnection, namespace);
      await clientConnection.close();
      const reporter = consoleReporter();
      const stop = onStopSignal(() => log.info('stopping: batches finish the calls in flight, then give the rest back'));
      await runWorkers({
        queues: queue,
        setting: { connection, namespace },
        deps: (draining) =>
          createDeps(
            { python: async () => await ensurePython(reporter), builtinWeights: async (name) => await builtinWeights(name) },
            draining,
            log,
          ),
        stop,
        onReady: () => log.info({ queues: queue, namespace }, 'workers are ready'),
      });
      await connection.close();
      log.info('workers have stopped');
    });

  async function builtinWeights(name: string): Promise<string> {
    if (name !== 'smollm2-135m-instruct') {
      throw new CliError(`builtin:${name} is unknown`, { hint: 'the one builtin model is builtin:smollm2-135m-instruct' });
    }
    const reporter = consoleReporter();
    return (await ensureModel(reporter, await ensurePython(reporter))).weightsDir;
  }
}
