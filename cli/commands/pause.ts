import type { Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import { pauseAdvice, pauseUpdate } from '../../contract/control';
import { steerRun } from '../runs/control-run';
import { withClient } from '../server/connect';
import { oneLine, printJson } from '../terminal/output';

/** `rehearse pause`: holds a running run. */
export function registerPause(program: Command): void {
  program
    .command('pause')
    .description('hold a running run: its batches finish and store the calls in flight, and a training saves a checkpoint')
    .argument('<id>', 'run id')
    .option('--reason <text>', 'why, for those who see it')
    .option('--json', 'print the state as JSON')
    .addHelpText('after', '\nNothing is lost or paid twice. "resume" goes on; "cancel" works on a paused run too.')
    .action(async (id: string, { reason, json }: { reason?: string; json?: boolean }) => {
      const runId = validateRunId(id);
      const state = await withClient(
        async ({ client }) =>
          await steerRun(
            client,
            runId,
            async (run) => await run.executeUpdate(pauseUpdate, { args: [reason === undefined ? {} : { reason }] }),
          ),
      );
      if (json) printJson({ runId, ...state });
      else process.stdout.write(`run ${runId} is paused: ${oneLine(state.reason ?? '', 600)}; ${pauseAdvice(runId, { by: 'user' })}\n`);
    });
}
