import { WorkflowNotFoundError } from '@temporalio/client';
import type { Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import { withClient } from '../server/connect';
import { CliError } from '../terminal/errors';

/** `rehearse cancel`: asks a run to stop; its batches journal the calls in flight first. */
export function registerCancel(program: Command): void {
  program
    .command('cancel')
    .description('stop a run; what it has paid for stays stored, and "resume" goes on from there')
    .argument('<id>', 'run id')
    .action(async (id: string) => {
      const runId = validateRunId(id);
      await withClient(async ({ client }) => {
        try {
          await client.workflow.getHandle(runId).cancel();
        } catch (cause) {
          if (cause instanceof WorkflowNotFoundError) {
            throw new CliError(`no run "${runId}" is running`, { hint: 'see: npx rehearse list', cause });
          }
          throw cause;
        }
      });
      process.stdout.write(`run ${runId} is being cancelled; go on later with: npx rehearse resume ${runId}\n`);
    });
}
