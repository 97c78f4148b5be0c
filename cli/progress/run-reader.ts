import {
  QueryNotRegisteredError,
  QueryRejectedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionStatusName,
} from '@temporalio/client';
import type { QueryDefinition } from '@temporalio/common';
import pLimit from 'p-limit';
import { shardSpentQuery, synthesisSpentQuery } from '../../contract/budget';
import { controlQuery, type Pause } from '../../contract/control';
import { type StageProgress, progressQuery } from '../../contract/progress';
import { STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE } from '../../contract/search-attributes';
import type { Allowance, Cost } from '../../method/cost';
import { pauseOf } from '../server/run-pause';
import { isServiceError } from '../server/service-error';
import { mergeProgress } from './merge-progress';
import { readPendingActivities, type PendingActivity } from './pending-activities';
import { failingActivities, idleQueues, whyUnanswered } from './run-warnings';
import { spentNow } from './spent-now';

/** Where a run stands: its state, its rows with the counts of running batches, and what goes wrong at the moment. */
export interface RunProgress {
  readonly runId: string;
  readonly status: WorkflowExecutionStatusName;
  /** Stage that the run is at, by its search attribute. */
  readonly stage: string | null;
  readonly target: string | null;
  readonly startedAt: string;
  readonly closedAt: string | null;
  /** Why nothing moves, when somebody or something paused it. */
  readonly paused: Pause | null;
  /** Most that the synthesis may cost; absent where no worker answered. */
  readonly budget?: Allowance;
  /** What the run has spent by now; absent where no worker answered. */
  readonly spent?: Cost;
  /** One row a stage and model; null when no worker answered. */
  readonly rows: readonly StageProgress[] | null;
  /** Activities that fail and are tried again, queues without workers: sentences, plain text. */
  readonly warnings: readonly string[];
}

interface Visit {
  readonly workflowId: string;
  readonly rows: readonly StageProgress[] | undefined;
  readonly activities: readonly PendingActivity[];
  readonly children: readonly string[];
  /** Of a shard: what its batches are known to have cost. */
  readonly known?: Readonly<Record<string, Cost>>;
}

/** Longest wait for a workflow's own answer; a query needs a worker. */
const QUERY_TIMEOUT_MS = 5_000;
const DESCRIBE_TIMEOUT_MS = 10_000;
const PARALLEL_VISITS = 8;

/** See {@link RunReader.read}. */
export async function collectProgress(client: Client, runId: string): Promise<RunProgress> {
  return await new RunReader(client, runId).read();
}

/** Reads a run's progress, once or again and again. */
export class RunReader {
  /** Open shards as they were seen last, the stalest first. */
  private readonly shards = new Map<string, Visit>();

  /** @param shardsEachLook most open shards that a look asks again; two hundred may be open, and each costs the server two calls */
  constructor(
    private readonly client: Client,
    private readonly runId: string,
    private readonly shardsEachLook = 24,
  ) {}

  /**
   * Reads the progress from the run's workflow, its open descendants, and the heartbeats of their activities. Every shard that is
   * new is asked; of those that are known, the stalest.
   * @throws WorkflowNotFoundError when the server has no such run; ServiceError when the server does not answer
   */
  async read(): Promise<RunProgress> {
    const { client, runId } = this;
    const rows = await queryRows(client, runId);
    const description = await describe(client, runId);
    const open = description.status.name === 'RUNNING';
    const paused = open ? pauseOf(description.memo) : null;
    const head = {
      runId,
      status: description.status.name,
      stage: description.typedSearchAttributes.get(STAGE_ATTRIBUTE) ?? null,
      target: description.typedSearchAttributes.get(TARGET_MODEL_ATTRIBUTE) ?? null,
      startedAt: description.startTime.toISOString(),
      closedAt: description.closeTime?.toISOString() ?? null,
      paused,
    };
    // Only of a run whose worker answers: another would wait in vain once more.
    const control = open && rows !== undefined ? await ask(client, runId, controlQuery) : undefined;
    if (!open) return { ...head, rows: rows ?? null, warnings: [] };

    const root = await readOpen(client, runId, rows, description);
    const parts = await this.visitAll(root.children, visit); // synthesis, or a variant
    const synthesis = root.children.find((id) => id.endsWith('/synthesis'));
    // Before the shards are asked: one that closes meanwhile then counts once, as open.
    const costs = synthesis === undefined || control === undefined ? undefined : await ask(client, synthesis, synthesisSpentQuery);
    const shards = await this.visitShards(parts.flatMap(({ children }) => children));
    const activities = [root, ...parts, ...shards].flatMap((each) => each.activities);
    return {
      ...head,
      ...(control === undefined
        ? {}
        : {
            budget: control.budget,
            spent: spentNow({
              control,
              ...(costs === undefined ? {} : { synthesis: costs }),
              shards: shards.map((shard) => ({ id: shard.workflowId, known: shard.known ?? {}, heartbeats: heartbeatsOf(shard) })),
            }),
          }),
      rows:
        rows === undefined
          ? null
          : mergeProgress({
              root: rows,
              parts: parts.map((part) => part.rows ?? []),
              shards: shards.map((shard) => ({ rows: shard.rows ?? [], heartbeats: heartbeatsOf(shard) })),
              heartbeats: parts.flatMap(heartbeatsOf),
            }).map((row) => (paused !== null && row.state === 'running' ? { ...row, state: 'paused' as const } : row)),
      warnings: [
        ...(rows === undefined ? [await whyUnanswered(client)] : []),
        ...failingActivities(activities),
        ...(await idleQueues(client, activities)),
      ],
    };
  }

  private async visitShards(open: readonly string[]): Promise<Visit[]> {
    const known = new Set(open);
    for (const id of this.shards.keys()) if (!known.has(id)) this.shards.delete(id);
    const unseen = open.filter((id) => !this.shards.has(id));
    const stale = [...this.shards.keys()].slice(0, Math.max(0, this.shardsEachLook - unseen.length));
    const ids = [...unseen, ...stale];
    for (const [index, visited] of (await this.visitAll(ids, visitShard)).entries()) {
      const id = ids[index] ?? '';
      this.shards.delete(id);
      this.shards.set(id, visited);
    }
    return [...this.shards.values()];
  }

  private async visitAll(ids: readonly string[], look: typeof visit): Promise<Visit[]> {
    const limit = pLimit(PARALLEL_VISITS);
    return await Promise.all(ids.map(async (id) => await limit(async () => await look(this.client, id))));
  }
}

/**
 * A workflow's rows first and its open children and activities after: what ends in between is missing for a moment,
 * instead of counted twice.
 */
async function visit(client: Client, workflowId: string): Promise<Visit> {
  try {
    const rows = await queryRows(client, workflowId);
    return await readOpen(client, workflowId, rows, await describe(client, workflowId));
  } catch (error) {
    // A child is pending in its parent a moment before it exists.
    if (error instanceof WorkflowNotFoundError) return { workflowId, rows: undefined, activities: [], children: [] };
    throw error;
  }
}

/** A shard; what its batches have cost is asked after their heartbeats, so that one that ends in between is not missed. */
async function visitShard(client: Client, workflowId: string): Promise<Visit> {
  const seen = await visit(client, workflowId);
  const known = seen.rows === undefined ? undefined : await ask(client, workflowId, shardSpentQuery);
  return known === undefined ? seen : { ...seen, known };
}

async function describe(client: Client, workflowId: string): Promise<WorkflowExecutionDescription> {
  return await client.withDeadline(Date.now() + DESCRIBE_TIMEOUT_MS, async () => await client.workflow.getHandle(workflowId).describe());
}

async function readOpen(client: Client, workflowId: string, rows: Visit['rows'], { raw }: WorkflowExecutionDescription): Promise<Visit> {
  return {
    workflowId,
    rows,
    activities: await readPendingActivities(client, workflowId, raw.pendingActivities ?? []),
    children: (raw.pendingChildren ?? []).flatMap((child) => child.workflowId ?? []),
  };
}

/** The rows that a workflow reports, or undefined when no worker answers for it. */
async function queryRows(client: Client, workflowId: string): Promise<readonly StageProgress[] | undefined> {
  return await ask(client, workflowId, progressQuery);
}

/** A workflow's answer, or undefined when no worker gives it. */
async function ask<Answer>(client: Client, workflowId: string, query: QueryDefinition<Answer>): Promise<Answer | undefined> {
  try {
    return await client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, async () => await client.workflow.getHandle(workflowId).query(query));
  } catch (error) {
    if (isUnanswered(error)) return undefined;
    throw error;
  }
}

/** No worker polls, it is too slow, or it does not know the query (yet): not a fault of the server. */
function isUnanswered(error: unknown): boolean {
  if (error instanceof QueryRejectedError || error instanceof QueryNotRegisteredError) return true;
  // A deadline that passes on the client's side shows as either of the first two.
  return isServiceError(error, 'cancelled', 'deadlineExceeded', 'failedPrecondition');
}

function heartbeatsOf({ activities }: Visit): NonNullable<PendingActivity['heartbeat']>[] {
  return activities.flatMap(({ heartbeat }) => heartbeat ?? []);
}
