import type { Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import { NO_SETTINGS } from '../../contract/run-settings';
import { checkSpecFiles, loadSpecFile } from '../../services/runs/spec-files';
import { beginRun, type BeginOptions } from '../runs/begin-run';
import { withRowOfRun, withRowOptions, type RowOptions } from '../runs/row-of-run';
import { UsageError } from '../terminal/errors';
import { note } from '../terminal/loudness';

/** `rehearse start`: checks a spec and starts its run. */
export function registerStart(program: Command): void {
  withRowOptions(program.command('start'))
    .description('check a spec and start its run; a run that failed or ended goes on from what is stored')
    .argument('<spec>', 'YAML or JSON file, or one of the presets demo, single-gpu, paper, paper-frugal')
    .option('--id <id>', 'run id (default: the name of the spec file)')
    .option('--no-probe', 'do not ask each endpoint first what it takes (at most five requests of some tokens a model)')
    .option('--wait', 'show the run until it ends, and exit 0 only when it succeeded')
    .option('--json', 'print {runId, workflowRunId, state} as JSON')
    .action(async (file: string, options: BeginOptions & RowOptions & { readonly id?: string; readonly probe: boolean }) => {
      const spec = await withRowOfRun(await loadSpecFile(file), options);
      const { errors, warnings, unreached } = await checkSpecFiles(spec, { env: process.env });
      if (errors.length > 0) throw new UsageError(errors.join('; '));
      for (const warning of [...warnings, ...unreached]) note(warning);
      const runId = validateRunId(options.id ?? defaultRunId(file));
      await beginRun({ runId, spec, ...(options.probe ? {} : { settings: { ...NO_SETTINGS, probe: false } }) }, options);
    });
}

function defaultRunId(file: string): string {
  return (file.split(/[\\/]/).at(-1) ?? file).replace(/\.(ya?ml|json)$/i, '').replace(/[^A-Za-z0-9._-]+/g, '-');
}
