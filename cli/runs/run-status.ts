import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Pause } from '../../contract/control';
import { type StageProgress, leftMsOf } from '../../contract/progress';
import type { Allowance, Cost } from '../../method/cost';
import type { ExtractionHealth } from '../../method/extraction-health';
import { openStore, type OpenStore } from '../../services/runs/open-store';
import { storeDisk, type StoreDisk } from '../../services/runs/store-disk';
import { collectProgress, type RunProgress } from '../progress/run-reader';
import { totalsOf, type RunTotals } from '../progress/run-totals';
import { storedProgress } from '../progress/stored-progress';
import { connect, webUiUrl } from '../server/connect';
import { CliError } from '../terminal/errors';
import { failureSentence } from '../terminal/failure-sentence';
import { extractionSoFar } from './extraction-so-far';
import { judgesSoFar } from './judges-so-far';
import { loadStoredRun, suggestRuns } from './stored-run';

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
  /** Most that the synthesis may cost, in `usd`, `tokens` or both; null where no worker answered. */
  readonly budget: Allowance | null;
  /** What the run has spent by now, at the spec's prices, running batches included; null where no worker answered. */
  readonly spent: Cost | null;
  /** Where the rows come from: the running workflow, or the finished outputs in the store. */
  readonly source: 'workflow' | 'store' | null;
  readonly rows: readonly StatusRow[];
  readonly totals: RunTotals;
  /** Room on the store's disk; null where it is a bucket. */
  readonly disk: StoreDisk | null;
  /** What the texts extracted so far are like; null before the first shard is stored. */
  readonly extraction: ExtractionHealth | null;
  readonly warnings: readonly string[];
  readonly failureMessage: string | null;
  readonly url: string | null;
}

/** Where a run stands: on the server, or what the store has of it. @throws CliError when neither knows the run */
export async function readStatus(runId: string): Promise<RunStatus> {
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
  const { status, stage, target, startedAt, closedAt, paused } = progress;
  const head = {
    runId,
    status,
    stage,
    target,
    startedAt,
    closedAt,
    paused,
    budget: progress.budget ?? null,
    disk: await storeDisk(),
    spent: progress.spent ?? null,
    failureMessage: await failureOf(client, progress),
    url,
  };
  const record = await store.plans.findRun(runId);
  const plan = record === undefined ? undefined : await store.plans.load(record.plan);
  const extraction = plan === undefined ? null : await extractionSoFar(store.stages, plan);
  const warnings = [...progress.warnings, ...(plan === undefined ? [] : await judgesSoFar(store.stages, plan))];
  if (progress.rows !== null) return { ...head, source: 'workflow', ...figuresOf(progress.rows), extraction, warnings };
  if (plan === undefined) return { ...head, source: null, ...figuresOf([]), extraction, warnings };
  return { ...head, source: 'store', ...figuresOf(await storedProgress(store.stages, plan)), extraction, warnings };
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
    disk: await storeDisk(),
    spent: null,
    source: 'store',
    ...figuresOf(await storedProgress(stages, plan)),
    extraction: await extractionSoFar(stages, plan),
    warnings: [why, ...(await judgesSoFar(stages, plan))],
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
