import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import { openStore, type OpenStore } from '../../services/open-store';
import type { Pause } from '../../workflows/control';
import type { StageProgress } from '../../workflows/types';
import { connect, webUiUrl } from '../connect';
import { pauseAdvice } from '../control-run';
import { CliError } from '../errors';
import { failureSentence } from '../failure-sentence';
import { formatCount, formatDuration, formatShortCount, formatTable, oneLine, printJson } from '../output';
import { collectProgress, type RunProgress } from '../run-progress';
import { storedProgress } from '../run-progress-stored';
import { loadStoredRun, suggestRuns } from '../stored-run';
import { waitForRun } from '../wait-for-run';

/** What `status --json` prints. */
export interface RunStatus {
  readonly runId: string;
  /** The workflow's status, or null when the server is away or has forgotten the run. */
  readonly status: string | null;
  readonly stage: string | null;
  readonly target: string | null;
  readonly startedAt: string | null;
  readonly closedAt: string | null;
  /** Who paused the run (user, storage) and why; null when it is not paused. */
  readonly paused: Pause | null;
  /** Where the rows come from: the running workflow, or the finished outputs in the store. */
  readonly source: 'workflow' | 'store' | null;
  readonly rows: readonly StageProgress[];
  readonly warnings: readonly string[];
  readonly failureMessage: string | null;
  readonly url: string | null;
}

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
      if (options.watch && options.json) throw new CliError('--watch and --json do not go together', { hint: 'leave one of them out' });
      if (options.watch) {
        const { client, connection } = await connect();
        try {
          await waitForRun(client, runId);
        } finally {
          await connection.close();
        }
        return;
      }
      const status = await readStatus(runId);
      if (options.json) printJson(status);
      else process.stdout.write(renderStatus(status, Date.now()));
    });
}

async function readStatus(runId: string): Promise<RunStatus> {
  const store = openStore();
  const connected = await connect().catch((error: unknown) => {
    if (error instanceof CliError) return error;
    throw error;
  });
  if (connected instanceof CliError) return await statusOfStore(store, runId, `${connected.message}; this is what the store has`);
  const { client, connection, namespace } = connected;
  try {
    return await statusOfServer(client, store, runId, webUiUrl(runId, namespace) ?? null);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    if ((await store.plans.findRun(runId)) === undefined) {
      throw new CliError(`neither the server nor the store knows a run "${runId}"`, { hint: await suggestRuns(store.plans, runId), cause: error });
    }
    return await statusOfStore(store, runId, 'the server does not know this run (any more); this is what the store has');
  } finally {
    await connection.close();
  }
}

async function statusOfServer(client: Client, store: OpenStore, runId: string, url: string | null): Promise<RunStatus> {
  const progress = await collectProgress(client, runId);
  const { status, stage, target, startedAt, closedAt, paused, warnings } = progress;
  const head = { runId, status, stage, target, startedAt, closedAt, paused, failureMessage: await failureOf(client, progress), url };
  if (progress.rows !== null) return { ...head, source: 'workflow', rows: progress.rows, warnings };
  const record = await store.plans.findRun(runId);
  if (record === undefined) return { ...head, source: null, rows: [], warnings };
  const rows = await storedProgress(store.stages, await store.plans.load(record.plan));
  return { ...head, source: 'store', rows, warnings };
}

async function statusOfStore({ plans, stages }: OpenStore, runId: string, why: string): Promise<RunStatus> {
  const { record, plan } = await loadStoredRun(plans, runId);
  return {
    runId, status: null, stage: null, target: plan.spec.target.model, startedAt: record.startedAt, closedAt: null, paused: null, source: 'store',
    rows: await storedProgress(stages, plan), warnings: [why], failureMessage: null, url: null,
  };
}

async function failureOf(client: Client, { runId, status }: RunProgress): Promise<string | null> {
  if (status === 'RUNNING' || status === 'COMPLETED') return null;
  try {
    await client.workflow.getHandle(runId).result();
    return null;
  } catch (error) {
    if (error instanceof WorkflowFailedError) return failureSentence(error);
    throw error;
  }
}

/** The status as a page for people. */
export function renderStatus(status: RunStatus, nowMs: number): string {
  const { runId, startedAt, closedAt, rows } = status;
  const since = startedAt === null ? '' : `started ${startedAt.slice(0, 19).replace('T', ' ')} UTC`;
  const lasted = startedAt === null || status.status === null ? '' : formatDuration((closedAt === null ? nowMs : Date.parse(closedAt)) - Date.parse(startedAt));
  const head = [
    `Run ${runId}: ${status.paused !== null ? 'paused' : (status.status?.toLowerCase() ?? 'not on a server')}${status.stage === null || status.stage === 'done' ? '' : `, at ${status.stage}`}`,
    [status.target === null ? '' : `target ${status.target}`, since, lasted === '' ? '' : `${closedAt === null ? 'for' : 'took'} ${lasted}`].filter((part) => part !== '').join(', '),
    ...(status.url === null ? [] : [status.url]),
    ...(status.paused === null ? [] : [`Paused: ${oneLine(status.paused.reason, 600)}`, sentenceCase(pauseAdvice(runId))]),
    ...(status.failureMessage === null ? [] : [`Failed: ${oneLine(status.failureMessage, 600)}`, `Go on with: npx rehearse resume ${runId}`]),
  ];
  const table = formatTable(
    [
      { name: 'STAGE' }, { name: 'MODEL' }, { name: 'STATE' }, { name: 'DONE', align: 'right' }, { name: 'TOTAL', align: 'right' },
      { name: 'LOST', align: 'right' }, { name: 'TOKENS', align: 'right' }, { name: 'NOTE' },
    ],
    rows.map((row) => [
      row.stage, row.model, status.source === 'store' && row.state === 'running' ? 'partly done' : row.state, formatCount(row.done), formatCount(row.total), formatCount(row.failed),
      formatShortCount(row.promptTokens + row.completionTokens), row.note ?? '',
    ]),
  );
  const source = status.source === 'store' && status.status !== null ? ['(no worker answers for the run: these are the finished outputs in the store)'] : [];
  const lines = [...head, '', ...(rows.length === 0 ? ['No stage is planned yet.'] : [table]), ...source, ...status.warnings.map((warning) => `! ${oneLine(warning, 400)}`)];
  return `${lines.join('\n')}\n`;
}

function sentenceCase(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
