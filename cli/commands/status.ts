import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Command } from 'commander';
import { validateRunId } from '../../config/load-spec';
import { pauseAdvice, type Pause } from '../../contract/control';
import { formatCount, formatDuration, formatErrors, formatRate, formatShortCount, formatTime, formatUsd } from '../../contract/figures';
import { type StageProgress, leftMsOf } from '../../contract/progress';
import type { Allowance } from '../../method/cost';
import { openStore, type OpenStore } from '../../services/runs/open-store';
import { leftText } from '../../workflows/progress/progress-table';
import { collectProgress, type RunProgress } from '../progress/run-reader';
import { budgetText, totalsOf, type RunTotals } from '../progress/run-totals';
import { storedProgress } from '../progress/stored-progress';
import { loadStoredRun, suggestRuns } from '../runs/stored-run';
import { waitForRun } from '../runs/wait-for-run';
import { connect, webUiUrl } from '../server/connect';
import { CliError } from '../terminal/errors';
import { failureSentence } from '../terminal/failure-sentence';
import { formatTable, oneLine, printJson, type TableColumn } from '../terminal/output';

/** One stage and model. */
export interface StatusRow extends Omit<StageProgress, 'perSecond'> {
  /** Items a second lately; null without evidence. */
  readonly perSecond: number | null;
  /** Time left at that rate; null where nothing runs or nothing is known. */
  readonly leftMs: number | null;
}

/** What `status --json` prints. */
export interface RunStatus {
  readonly runId: string;
  /** The workflow's status, or null when the server is away or has forgotten the run. */
  readonly status: string | null;
  readonly stage: string | null;
  readonly target: string | null;
  readonly startedAt: string | null;
  readonly closedAt: string | null;
  /** Who paused the run (user, storage, budget) and why; null when it is not paused. */
  readonly paused: Pause | null;
  /** Most that the synthesis may cost, in `usd`, `tokens` or both; null where no worker could tell. */
  readonly budget: Allowance | null;
  /** Where the rows come from: the running workflow, or the finished outputs in the store. */
  readonly source: 'workflow' | 'store' | null;
  readonly rows: readonly StatusRow[];
  readonly totals: RunTotals;
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
      throw new CliError(`neither the server nor the store knows a run "${runId}"`, {
        hint: await suggestRuns(store.plans, runId),
        cause: error,
      });
    }
    return await statusOfStore(store, runId, 'the server does not know this run (any more); this is what the store has');
  } finally {
    await connection.close();
  }
}

async function statusOfServer(client: Client, store: OpenStore, runId: string, url: string | null): Promise<RunStatus> {
  const progress = await collectProgress(client, runId);
  const { status, stage, target, startedAt, closedAt, paused, warnings } = progress;
  const head = {
    runId,
    status,
    stage,
    target,
    startedAt,
    closedAt,
    paused,
    budget: progress.budget ?? null,
    failureMessage: await failureOf(client, progress),
    url,
  };
  if (progress.rows !== null) return { ...head, source: 'workflow', ...figuresOf(progress.rows), warnings };
  const record = await store.plans.findRun(runId);
  if (record === undefined) return { ...head, source: null, ...figuresOf([]), warnings };
  const rows = await storedProgress(store.stages, await store.plans.load(record.plan));
  return { ...head, source: 'store', ...figuresOf(rows), warnings };
}

function figuresOf(rows: readonly StageProgress[]): Pick<RunStatus, 'rows' | 'totals'> {
  return { rows: rows.map((row) => ({ ...row, perSecond: row.perSecond ?? null, leftMs: leftMsOf(row) ?? null })), totals: totalsOf(rows) };
}

async function statusOfStore({ plans, stages }: OpenStore, runId: string, why: string): Promise<RunStatus> {
  const { record, plan } = await loadStoredRun(plans, runId);
  return {
    runId,
    status: null,
    stage: null,
    target: plan.spec.target.model,
    startedAt: record.startedAt,
    closedAt: null,
    paused: null,
    budget: null,
    source: 'store',
    ...figuresOf(await storedProgress(stages, plan)),
    warnings: [why],
    failureMessage: null,
    url: null,
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
  const since = startedAt === null ? '' : `started ${formatTime(startedAt)} UTC`;
  const lasted =
    startedAt === null || status.status === null
      ? ''
      : formatDuration((closedAt === null ? nowMs : Date.parse(closedAt)) - Date.parse(startedAt));
  const head = [
    `Run ${runId}: ${status.paused !== null ? 'paused' : (status.status?.toLowerCase() ?? 'not on a server')}${status.stage === null || status.stage === 'done' ? '' : `, at ${status.stage}`}`,
    [status.target === null ? '' : `target ${status.target}`, since, lasted === '' ? '' : `${closedAt === null ? 'for' : 'took'} ${lasted}`]
      .filter((part) => part !== '')
      .join(', '),
    ...(status.url === null ? [] : [status.url]),
    ...(status.paused === null ? [] : [`Paused: ${oneLine(status.paused.reason, 600)}`, sentenceCase(pauseAdvice(runId, status.paused))]),
    ...(status.failureMessage === null
      ? []
      : [`Failed: ${oneLine(status.failureMessage, 600)}`, `Go on with: npx rehearse resume ${runId}`]),
  ];
  const table = rowsTable(status);
  const source =
    status.source === 'store' && status.status !== null
      ? ['(no worker answers for the run: these are the finished outputs in the store)']
      : [];
  const lines = [
    ...head,
    '',
    ...(rows.length === 0 ? ['No stage is planned yet.'] : [table, totalLine(status.totals, status.budget ?? undefined)]),
    ...source,
    ...status.warnings.map((warning) => `! ${oneLine(warning, 400)}`),
  ];
  return `${lines.join('\n')}\n`;
}

interface Column extends TableColumn {
  readonly cell: (row: StatusRow) => string;
}

/** Columns in which no row has anything are left out. */
function rowsTable({ rows, source }: RunStatus): string {
  const right = { align: 'right' } as const;
  const perSecondOf = (row: StatusRow): StageProgress => ({ ...row, perSecond: row.perSecond ?? undefined });
  const always: readonly string[] = ['STAGE', 'MODEL', 'STATE', 'DONE', 'TOTAL', 'LOST'];
  const columns: readonly Column[] = [
    { name: 'STAGE', cell: ({ stage }) => stage },
    { name: 'MODEL', cell: ({ model }) => model },
    { name: 'STATE', cell: ({ state }) => (source === 'store' && state === 'running' ? 'partly done' : state) },
    { name: 'DONE', ...right, cell: ({ done }) => formatCount(done) },
    { name: 'TOTAL', ...right, cell: ({ total }) => formatCount(total) },
    { name: 'LOST', ...right, cell: ({ failed }) => formatCount(failed) },
    { name: 'RATE', ...right, cell: ({ state, perSecond }) => (state === 'running' && perSecond !== null ? formatRate(perSecond) : '') },
    { name: 'LEFT', ...right, cell: (row) => (source === 'store' ? '' : leftText(perSecondOf(row))) },
    {
      name: 'TOKENS',
      ...right,
      cell: ({ promptTokens, completionTokens }) =>
        promptTokens + completionTokens === 0 ? '' : formatShortCount(promptTokens + completionTokens),
    },
    { name: 'COST', ...right, cell: ({ usd }) => (usd === 0 ? '' : formatUsd(usd)) },
    { name: 'NOTE', cell: ({ note = '' }) => note },
    { name: 'ERRORS', cell: ({ errors }) => formatErrors(errors) },
  ];
  const shown = columns.filter(({ name, cell }) => always.includes(name) || rows.some((row) => cell(row) !== ''));
  return formatTable(
    shown,
    rows.map((row) => shown.map(({ cell }) => cell(row))),
  );
}

function totalLine({ promptTokens, completionTokens, usd, errors, synthesisLeftMs }: RunTotals, budget?: Allowance): string {
  const limit = budgetText(budget);
  const faults = Object.values(errors).reduce((sum, count) => sum + count, 0);
  return [
    `In all: ${formatShortCount(promptTokens)} tokens in, ${formatShortCount(completionTokens)} out`,
    ...(usd > 0 ? [formatUsd(usd)] : []),
    ...(limit === '' ? [] : [limit]),
    ...(faults > 0 ? [`${formatCount(faults)} faults and refusals`] : []),
    ...(synthesisLeftMs === null ? [] : [`the synthesis ends in about ${formatDuration(synthesisLeftMs)}`]),
  ].join('; ');
}

function sentenceCase(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
