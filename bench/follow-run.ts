import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { ExperimentResult } from '../contract/run';
import type { experiment } from '../workflows';

const POLL_MS = 500;
/** A killed server is away for a moment; after this long it is away for good. */
const MOST_AWAY_MS = 120_000;

/** Returns when the synthesis of a run has ended. @throws when it fails, or when the server stays away */
export async function untilSynthesized(client: Client, runId: string, onPoll: () => void = () => undefined): Promise<void> {
  const run = client.workflow.getHandle(runId);
  await poll(async () => {
    onPoll();
    if (await isCompleted(client, `${runId}/synthesis`)) return true;
    const { status } = await run.describe();
    if (status.name !== 'RUNNING') await run.result();
    return false;
  });
}

/** Returns what a run comes to, also where the server is too busy to say so at once. @throws when it fails, or when the server stays away */
export async function untilDone(client: Client, runId: string): Promise<ExperimentResult> {
  const run = client.workflow.getHandle<typeof experiment>(runId);
  let result: ExperimentResult | undefined;
  await poll(async () => {
    if ((await run.describe()).status.name !== 'RUNNING') result = await run.result();
    return result !== undefined;
  });
  return result!;
}

/** Returns when the mixture is stored: the training waits for a gpu worker, and benchmarks have none. */
export async function untilTraining(client: Client, runId: string): Promise<void> {
  const handle = client.workflow.getHandle(`${runId}/variant-method`);
  await poll(async () => {
    const description = await handle.describe().catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return undefined; // not started yet
      throw error;
    });
    if (description === undefined) return false;
    const { raw, status } = description;
    if (status.name !== 'RUNNING') await handle.result();
    return raw.pendingActivities?.some(({ activityType }) => activityType?.name === 'trainVariant') ?? false;
  });
}

async function poll(isThere: () => Promise<boolean>): Promise<void> {
  let answeredAt = performance.now();
  for (;;) {
    try {
      if (await isThere()) return;
      answeredAt = performance.now();
    } catch (error) {
      if (!isAway(error) || performance.now() - answeredAt > MOST_AWAY_MS) throw error;
    }
    await sleep(POLL_MS);
  }
}

async function isCompleted(client: Client, workflowId: string): Promise<boolean> {
  for await (const execution of client.workflow.list({ query: `WorkflowId = '${workflowId}' AND ExecutionStatus = 'Completed'` })) {
    if (execution.workflowId === workflowId) return true;
  }
  return false;
}

/** gRPC's words for a server that is down or about to be, wherever in the causes they stand. */
const AWAY_CODES = new Set([1, 4, 14]);

function isAway(error: unknown): boolean {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    if (AWAY_CODES.has((each as { code?: number }).code ?? -1)) return true;
  }
  return false;
}
