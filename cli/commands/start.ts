import { WorkflowNotFoundError } from '@temporalio/client';
import type { Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import type { RunSpec } from '../../config/spec';
import { openStore } from '../../services/open-store';
import { checkSpecFiles, loadSpecFile } from '../../services/spec-files';
import { connect, webUiUrl } from '../connect';
import { CliError } from '../errors';
import { startRun } from '../start-run';
import { waitForRun } from '../wait-for-run';

/** `rehearse start`: checks a spec and starts its run. */
export function registerStart(program: Command): void {
  program
    .command('start')
    .description('check a spec and start its run; a run that failed or ended goes on from what is stored')
    .argument('<spec>', 'YAML or JSON file, or one of the presets demo, single-gpu, paper')
    .option('--id <id>', 'run id (default: the name of the spec file)')
    .option('--wait', 'show the run until it ends, and exit 0 only when it succeeded')
    .option('--json', 'print {runId, workflowRunId, state} as JSON')
    .action(async (file: string, options: { id?: string; wait?: boolean; json?: boolean }) => {
      const spec = await loadSpecFile(file);
      const { errors, warnings } = await checkSpecFiles(spec, { env: process.env });
      if (errors.length > 0) throw new CliError(errors.join('; '));
      for (const warning of warnings) process.stderr.write(`rehearse: note: ${warning}\n`);
      const runId = validateRunId(options.id ?? defaultRunId(file));
      await begin(runId, spec, options);
    });
}

/** `rehearse resume`: starts a run again from the spec that is stored with it. */
export function registerResume(program: Command): void {
  program
    .command('resume')
    .description('start a failed, cancelled or terminated run again from what is stored; finished work is not repeated')
    .argument('<id>', 'run id')
    .option('--wait', 'show the run until it ends, and exit 0 only when it succeeded')
    .option('--json', 'print {runId, workflowRunId, state} as JSON')
    .action(async (id: string, options: { wait?: boolean; json?: boolean }) => {
      const runId = validateRunId(id);
      const { plans } = openStore();
      const record = await plans.findRun(runId);
      if (record === undefined) {
        const known = await plans.listRuns();
        throw new CliError(`no run "${runId}" is stored here`, {
          hint: known.length === 0 ? 'start one with: npx rehearse start SPEC' : `the runs are ${known.join(', ')}`,
        });
      }
      await begin(runId, (await plans.load(record.plan)).spec, options);
    });
}

/** `rehearse cancel`: asks a run to stop; its batches journal the calls in flight first. */
export function registerCancel(program: Command): void {
  program
    .command('cancel')
    .description('stop a run; what it has paid for stays stored, and "resume" goes on from there')
    .argument('<id>', 'run id')
    .action(async (id: string) => {
      const runId = validateRunId(id);
      const { client, connection } = await connect();
      try {
        await client.workflow.getHandle(runId).cancel();
      } catch (cause) {
        if (cause instanceof WorkflowNotFoundError) throw new CliError(`no run "${runId}" is running`, { hint: 'see: npx rehearse list', cause });
        throw cause;
      } finally {
        await connection.close();
      }
      process.stdout.write(`run ${runId} is being cancelled; go on later with: npx rehearse resume ${runId}\n`);
    });
}

async function begin(runId: string, spec: RunSpec, options: { wait?: boolean; json?: boolean }): Promise<void> {
  const { client, connection } = await connect();
  try {
    const started = await startRun(client, runId, spec);
    if (options.json) process.stdout.write(`${JSON.stringify({ runId, workflowRunId: started.workflowRunId, state: started.state })}\n`);
    else {
      process.stdout.write(started.state === 'attached' ? `run ${runId} is running already\n` : `run ${runId} has started\n`);
      process.stdout.write(`  watch it:  npx rehearse status ${runId} --watch\n`);
      const url = webUiUrl(runId);
      if (url !== undefined) process.stdout.write(`  Web UI:    ${url}\n`);
    }
    if (options.wait) await waitForRun(client, runId);
  } finally {
    await connection.close();
  }
}

function defaultRunId(file: string): string {
  return (file.split(/[\\/]/).at(-1) ?? file).replace(/\.(ya?ml|json)$/i, '').replace(/[^A-Za-z0-9._-]+/g, '-');
}
