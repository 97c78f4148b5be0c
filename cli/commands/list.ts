import type { Command } from 'commander';
import { pauseAdvice, type Pause } from '../../contract/control';
import { formatTime } from '../../contract/figures';
import { STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE } from '../../contract/search-attributes';
import { openStore, type OpenStore } from '../../services/runs/open-store';
import { storedProgress } from '../progress/stored-progress';
import { connect, webUiListUrl, type Connected } from '../server/connect';
import { pauseOf } from '../server/run-pause';
import { CliError } from '../terminal/errors';
import { note } from '../terminal/loudness';
import { formatTable, oneLine, printJson } from '../terminal/output';

/** One run, as the server and the store know it. */
export interface ListedRun {
  readonly runId: string;
  /** The workflow's status; null when no server knows of it. */
  readonly status: string | null;
  /** Stage that it is at; for a run that no server knows, the first that is not finished in the store, or done. */
  readonly stage: string | null;
  readonly target: string | null;
  readonly startedAt: string | null;
  /** Who paused it and why; null when it is not paused. */
  readonly paused: Pause | null;
  readonly stored: boolean;
}

/** `rehearse list`: the runs of the server and of the store. */
export function registerList(program: Command): void {
  program
    .command('list')
    .description('list the runs on the server and in the store, newest first')
    .option('--json', 'print a JSON array')
    .action(async (options: { json?: boolean }) => {
      const store = openStore();
      const connected = await connect().catch((error: unknown) => {
        if (error instanceof CliError) return error;
        throw error;
      });
      let onServer: ListedRun[] = [];
      if (connected instanceof CliError) note(`${connected.message}; these are the stored runs`);
      else onServer = await serverRuns(connected);
      const runs = mergeRuns(onServer, await storedRuns(store, new Set(onServer.map(({ runId }) => runId))));
      if (options.json) printJson(runs);
      else process.stdout.write(renderRuns(runs));
      const url = connected instanceof CliError ? undefined : webUiListUrl(connected.namespace);
      if (!options.json && url !== undefined) note(`in the Web UI: ${url}`);
    });
}

/** Each run id once, as its latest start on the server left it, newest first; what only the store knows is added. */
export function mergeRuns(onServer: readonly ListedRun[], inStore: readonly ListedRun[]): ListedRun[] {
  const runs = new Map<string, ListedRun>();
  for (const run of [...onServer, ...inStore]) {
    const known = runs.get(run.runId);
    if (known === undefined) runs.set(run.runId, run);
    else {
      const later = known.status === null || (run.status !== null && (run.startedAt ?? '') > (known.startedAt ?? '')) ? run : known;
      runs.set(run.runId, { ...later, target: later.target ?? known.target ?? run.target, stored: known.stored || run.stored });
    }
  }
  return [...runs.values()].sort((a, b) => ((a.startedAt ?? '') < (b.startedAt ?? '') ? 1 : -1));
}

async function serverRuns({ client, connection }: Connected): Promise<ListedRun[]> {
  const runs: ListedRun[] = [];
  try {
    for await (const run of client.workflow.list({ query: "WorkflowType = 'experiment'" })) {
      runs.push({
        runId: run.workflowId,
        status: run.status.name,
        stage: run.typedSearchAttributes.get(STAGE_ATTRIBUTE) ?? null,
        target: run.typedSearchAttributes.get(TARGET_MODEL_ATTRIBUTE) ?? null,
        startedAt: run.startTime.toISOString(),
        paused: run.status.name === 'RUNNING' ? pauseOf(run.memo) : null,
        stored: false,
      });
    }
  } finally {
    await connection.close();
  }
  return runs;
}

/** The stage of a run that the server knows comes from there, so its outputs are not looked through. */
async function storedRuns({ plans, stages }: OpenStore, onServer: ReadonlySet<string>): Promise<ListedRun[]> {
  const runs: ListedRun[] = [];
  for (const runId of await plans.listRuns()) {
    const record = await plans.findRun(runId);
    if (record === undefined) continue;
    const plan = await plans.load(record.plan);
    const stage = onServer.has(runId)
      ? null
      : ((await storedProgress(stages, plan)).find(({ state }) => state !== 'done')?.stage ?? 'done');
    runs.push({ runId, status: null, stage, target: plan.spec.target.model, startedAt: record.startedAt, paused: null, stored: true });
  }
  return runs;
}

function renderRuns(runs: readonly ListedRun[]): string {
  if (runs.length === 0) return 'There are no runs yet; start one with: npx rehearse start SPEC\n';
  const table = formatTable(
    [{ name: 'RUN' }, { name: 'STATUS' }, { name: 'STAGE' }, { name: 'TARGET' }, { name: 'STARTED (UTC)' }, { name: 'STORED' }],
    runs.map((run) => [
      run.runId,
      run.paused !== null ? 'paused' : (run.status?.toLowerCase() ?? 'not on a server'),
      run.stage ?? '',
      run.target ?? '',
      run.startedAt === null ? '' : formatTime(run.startedAt),
      run.stored ? 'yes' : 'no',
    ]),
  );
  const pauses = runs.flatMap(({ runId, paused }) =>
    paused === null ? [] : [`${runId} is paused: ${oneLine(paused.reason, 300)}; ${pauseAdvice(runId, paused)}`],
  );
  return `${[table, ...pauses].join('\n')}\n`;
}
