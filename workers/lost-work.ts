import { ActivityNotFoundError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import pLimit from 'p-limit';
import type { FailureType } from '../contract/failures';
import { TASK_QUEUES } from '../contract/task-queues';

const LOOKS_AT_ONCE = 8;

/**
 * Gives back what workers that were killed had in work, so that it is scheduled again at once. The server itself learns of their end only
 * when a heartbeat has been missing for its timeout, half a minute and more.
 * @param identities names at the server of processes that are known to have ended
 * @returns how many activities were given back
 * @throws ServiceError when the server does not answer
 */
export async function giveBackLostWork(client: Client, identities: ReadonlySet<string>): Promise<number> {
  const limit = pLimit(LOOKS_AT_ONCE);
  const counts: Promise<number>[] = [];
  for await (const { workflowId, runId } of client.workflow.list({
    query: `ExecutionStatus = "Running" AND TaskQueue = "${TASK_QUEUES.orchestration}"`,
  })) {
    counts.push(limit(async () => await giveBackOf(client, { workflowId, runId }, identities)));
  }
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

interface Execution {
  readonly workflowId: string;
  readonly runId: string;
}

async function giveBackOf(client: Client, { workflowId, runId }: Execution, identities: ReadonlySet<string>): Promise<number> {
  let given = 0;
  try {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    for (const { activityId, state, lastWorkerIdentity } of raw.pendingActivities ?? []) {
      if (state !== temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_STARTED) continue;
      if (!activityId || !lastWorkerIdentity || !identities.has(lastWorkerIdentity)) continue;
      // Should another attempt have begun meanwhile, it is this one that ends: batches and jobs take turns, and the next goes on.
      await client.activity.fail({ workflowId, runId, activityId }, workerLost(lastWorkerIdentity));
      given += 1;
    }
  } catch (error) {
    // It has ended meanwhile, or its heartbeat timeout was faster.
    if (!(error instanceof WorkflowNotFoundError || error instanceof ActivityNotFoundError)) throw error;
  }
  return given;
}

function workerLost(identity: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'WorkerLostError' satisfies FailureType,
    message: `the worker ${identity} was killed; another one goes on`,
    nextRetryDelay: '1 millisecond',
  });
}
