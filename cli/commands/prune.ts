import { WorkflowNotFoundError } from '@temporalio/client';
import type { Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import { formatBytes, formatCounted, formatTime } from '../../contract/figures';
import { openStore } from '../../services/runs/open-store';
import { planPrune, prune, type PrunePlan, type Removable } from '../../services/store/prune';
import { loadStoredRun } from '../runs/stored-run';
import { withClient } from '../server/connect';
import { CliError, UsageError } from '../terminal/errors';
import { formatTable, printJson } from '../terminal/output';

interface PruneCommandOptions {
  readonly olderThan: string;
  readonly keepUnder?: string;
  readonly forget?: readonly string[];
  readonly yes?: boolean;
  readonly json?: boolean;
}

const DAY_MS = 86_400_000;
const SHOWN = 20;
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** `rehearse prune`: removes what no run needs; says what it would remove unless told to. */
export function registerPrune(program: Command): void {
  program
    .command('prune')
    .description('show what of the store no run needs; with --yes, remove it')
    .option('--older-than <days>', 'only what was last changed so many days ago', '7')
    .option('--keep-under <size>', 'remove the oldest only until the store holds no more than this, such as 500GB')
    .option('--forget <run...>', 'count these runs as gone, and remove them too')
    .option('--yes', 'remove it')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
A run needs the outputs of its spec as it was last planned, its plan and its reports. Outputs of an earlier spec under the same
run id, and of runs that were forgotten, are not needed: a run that wants them makes them again, and pays for them again.
What was changed within a week stays, since a run that is being started may find it.`,
    )
    .action(async (options: PruneCommandOptions) => {
      const opened = openStore();
      const forget = (options.forget ?? []).map(validateRunId);
      for (const runId of forget) await loadStoredRun(opened.plans, runId);
      await refuseRunning(forget);
      const plan = await planPrune(opened, {
        olderThanMs: days(options.olderThan) * DAY_MS,
        keepUnderBytes: options.keepUnder === undefined ? undefined : bytes(options.keepUnder),
        forget,
        nowMs: Date.now(),
      });
      const removed = options.yes ? await prune(opened, plan, { forget }) : [];
      if (options.json) printJson({ ...plan, forget, removed: removed.map(({ path }) => path) });
      else process.stdout.write(options.yes ? renderRemoved(removed, forget) : renderPlan(plan, forget));
    });
}

async function refuseRunning(runIds: readonly string[]): Promise<void> {
  if (runIds.length === 0) return;
  await withClient(async ({ client }) => {
    for (const runId of runIds) {
      const status = await client.workflow
        .getHandle(runId)
        .describe()
        .then(
          (run) => run.status.name,
          (error: unknown) => {
            if (error instanceof WorkflowNotFoundError) return 'NOT FOUND';
            throw error;
          },
        );
      if (status === 'RUNNING') throw new CliError(`run "${runId}" is running`, { hint: `stop it first: npx rehearse cancel ${runId}` });
    }
  });
}

function days(text: string): number {
  const value = Number(text.replace(/d$/, ''));
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new UsageError(`--older-than is "${text}"`, { hint: 'give a number of days, such as 30; 0 for everything' });
}

function bytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)b?$/i.exec(text.trim());
  if (match !== null && Number(match[1]) > 0) return Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
  throw new UsageError(`--keep-under is "${text}"`, { hint: 'give a size, such as 500GB or 2TB' });
}

function renderPlan(plan: PrunePlan, forget: readonly string[]): string {
  const { remove, removeBytes, storeBytes, spared, notes } = plan;
  const lines = [
    `The store holds ${formatBytes(storeBytes)}; ${remove.length === 0 ? 'there is nothing to remove' : `${formatBytes(removeBytes)} of it can be removed`}.`,
    ...(spared > 0 ? [`No run needs ${formatBytes(spared)} more, which stay: they are younger, or the store is small enough.`] : []),
    ...notes.map((note) => `! ${note}`),
    ...forget.map((runId) => `Run ${runId} would be forgotten, with its reports.`),
    ...(remove.length === 0 ? [] : ['', table(remove.slice(0, SHOWN))]),
    ...(remove.length > SHOWN ? [`… and ${remove.length - SHOWN} more (--json lists all)`] : []),
    ...(remove.length + forget.length === 0 ? [] : ['', 'Nothing was removed. With --yes it is.']),
  ];
  return `${lines.join('\n')}\n`;
}

function renderRemoved(removed: readonly Removable[], forget: readonly string[]): string {
  const sum = removed.reduce((total, each) => total + each.bytes, 0);
  const runs = forget.length === 0 ? '' : ` and ${formatCounted(forget.length, 'run')}`;
  return `removed ${formatCounted(removed.length, 'part')} of the store, ${formatBytes(sum)}${runs}\n`;
}

function table(rows: readonly Removable[]): string {
  return formatTable(
    [{ name: 'WHAT' }, { name: 'SIZE', align: 'right' }, { name: 'CHANGED' }, { name: 'PATH' }],
    rows.map(({ what, bytes: size, changedAt, path }) => [what, formatBytes(size), formatTime(changedAt), path]),
  );
}
