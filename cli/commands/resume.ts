import { WorkflowNotFoundError } from '@temporalio/client';
import type { Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import { mendSignal, resumeAnywayUpdate, resumeUpdate } from '../../contract/control';
import { NO_SETTINGS, type RunSettings } from '../../contract/run-settings';
import { openStore } from '../../services/runs/open-store';
import { beginRun, sayWhereToLook, type BeginOptions } from '../runs/begin-run';
import { steerRun } from '../runs/control-run';
import { loadStoredRun } from '../runs/stored-run';
import { waitForRun } from '../runs/wait-for-run';
import { withClient, type Connected } from '../server/connect';
import { pauseOf } from '../server/run-pause';
import { printJson } from '../terminal/output';

/** `rehearse resume`: lets a paused run go on, or starts one again that has ended. */
export function registerResume(program: Command): void {
  program
    .command('resume')
    .description('let a paused run go on; or start a failed, cancelled, timed-out or terminated one again from what is stored')
    .argument('<id>', 'run id')
    .option('--wait', 'show the run until it ends, and exit 0 only when it succeeded')
    .option('--anyway', "go on though a model's replies are unusable: they pause the run no more")
    .option('--json', 'print {runId, workflowRunId, state} as JSON')
    .addHelpText(
      'after',
      '\nFinished work is not repeated; what is stored is looked at, and what is damaged is made again. What was set on the run with "set" still holds.',
    )
    .action(async (id: string, options: ResumeOptions) => {
      await resume(validateRunId(id), options);
    });
}

interface ResumeOptions extends BeginOptions {
  readonly anyway?: boolean;
}

async function resume(runId: string, options: ResumeOptions): Promise<void> {
  const running = await withClient(async (connected) => await runningRun(connected, runId));
  if (running === undefined) {
    const { plans } = openStore();
    const { plan } = await loadStoredRun(plans, runId);
    await beginRun({ runId, spec: plan.spec, settings: settings(await plans.findSettings(runId), options) }, options);
    return;
  }
  await withClient(async ({ client }) => {
    await steerRun(client, runId, async (run) => await run.executeUpdate(options.anyway === true ? resumeAnywayUpdate : resumeUpdate));
    await client.workflow.getHandle(runId).signal(mendSignal);
    if (options.json) printJson({ runId, workflowRunId: running.workflowRunId, state: running.paused ? 'resumed' : 'attached' });
    else {
      process.stdout.write(running.paused ? `run ${runId} goes on\n` : `run ${runId} is running already, and not paused\n`);
      sayWhereToLook(runId);
    }
    if (options.wait) await waitForRun(client, runId);
  });
}

/** What was set on the run before, and now. */
function settings(before: RunSettings | undefined, { anyway = false }: ResumeOptions): RunSettings | undefined {
  return anyway ? { ...(before ?? NO_SETTINGS), anyway: true } : before;
}

async function runningRun(
  { client }: Connected,
  runId: string,
): Promise<{ readonly workflowRunId: string; readonly paused: boolean } | undefined> {
  try {
    const { status, memo, runId: workflowRunId } = await client.workflow.getHandle(runId).describe();
    return status.name === 'RUNNING' ? { workflowRunId, paused: pauseOf(memo) !== null } : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
