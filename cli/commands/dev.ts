import type { Command } from 'commander';
import { startLocalStack, workersEnded } from '../server/local-stack';
import { setUpReporter } from '../terminal/loudness';
import { onStopSignal } from '../terminal/signals';

/** `rehearse dev`: server, Web UI, local model and workers, until Ctrl-C. */
export function registerDev(program: Command): void {
  program
    .command('dev')
    .description('start Temporal with its Web UI, the local model and the workers, until Ctrl-C')
    .addHelpText(
      'after',
      `
The server keeps its runs in .rehearse/temporal (REHEARSE_HOME), so finished runs are there again. With TEMPORAL_ADDRESS
set, your server is used and none is started.`,
    )
    .action(async () => {
      const stop = onStopSignal(() => process.stderr.write('\nstopping: batches finish the calls in flight (Ctrl-C again ends at once)\n'));
      const stack = await startLocalStack(setUpReporter());
      process.stderr.write('ready; start a run in another terminal: npx rehearse start demo --wait\n');
      const ended = await Promise.race([stack.workerEnded, aborted(stop)]);
      await stack.stop();
      if (ended !== undefined) throw workersEnded(ended, 'npx rehearse dev');
    });
}

/** Resolves, to undefined, when the signal is aborted. */
async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
