import type { Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import { readStatus } from '../runs/run-status';
import { renderStatus } from '../runs/status-text';
import { waitForRun } from '../runs/wait-for-run';
import { withClient } from '../server/connect';
import { UsageError } from '../terminal/errors';
import { printJson } from '../terminal/output';

/** `rehearse status`: where a run stands. */
export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('show where a run stands; without a server, what is stored of it')
    .argument('<id>', 'run id')
    .option('--watch', 'keep showing it until it ends; exits 0 only when it succeeded')
    .option('--json', 'print one JSON object')
    .action(async (id: string, options: { watch?: boolean; json?: boolean }) => {
      const runId = validateRunId(id);
      if (options.watch && options.json) throw new UsageError('--watch and --json do not go together', { hint: 'leave one of them out' });
      if (options.watch) {
        await withClient(async ({ client }) => await waitForRun(client, runId));
        return;
      }
      const status = await readStatus(runId);
      if (options.json) printJson(status);
      else process.stdout.write(renderStatus(status, Date.now()));
    });
}
