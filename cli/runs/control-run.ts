import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { TASK_QUEUES } from '../../contract/task-queues';
import { queuePollers } from '../server/queue-pollers';
import { isServiceError } from '../server/service-error';
import { CliError } from '../terminal/errors';

/** A worker answers within a second or two; what is set is also stored first, by a cpu worker. */
const ANSWER_TIMEOUT_MS = 30_000;

/**
 * Sends an Update to a running run and waits for its answer.
 * @param update executes it
 * @throws CliError when the run is not running, rejects the Update, or does not answer
 */
export async function steerRun<T>(client: Client, runId: string, update: (run: WorkflowHandle) => Promise<T>): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, async () => await update(client.workflow.getHandle(runId)));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) {
      throw new CliError(`no run "${runId}" is running`, { hint: 'see: npx rehearse list', cause: error });
    }
    if (error instanceof WorkflowUpdateFailedError) throw new CliError(error.cause?.message ?? error.message, { cause: error });
    if (isUnanswered(error)) throw await unanswered(client, runId, error);
    throw error;
  }
}

function isUnanswered(error: unknown): boolean {
  return error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isServiceError(error, 'deadlineExceeded');
}

async function unanswered(client: Client, runId: string, cause: unknown): Promise<CliError> {
  for (const queue of ['orchestration', 'cpu'] as const) {
    if ((await queuePollers(client, queue)).length === 0) {
      return new CliError(`run "${runId}" does not answer, since no worker polls ${TASK_QUEUES[queue]}`, {
        hint: `start one: npx rehearse worker --queue ${queue}`,
        cause,
      });
    }
  }
  return new CliError(`run "${runId}" does not answer: its workers are busy or starting`, {
    hint: `see whether it was done after all: npx rehearse status ${runId}`,
    cause,
  });
}
