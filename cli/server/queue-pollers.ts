import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { TASK_QUEUES, type QueueName } from '../../contract/task-queues';

/** A poll that is open counts from its start, and lasts up to a minute. */
const POLL_AGE_MS = 75_000;

/**
 * Identities of the workers that poll a task queue now, or did within the last minute or so.
 * @throws ServiceError when the server does not answer
 */
export async function queuePollers(client: Client, queue: QueueName, nowMs = Date.now()): Promise<string[]> {
  const { TASK_QUEUE_TYPE_ACTIVITY, TASK_QUEUE_TYPE_WORKFLOW } = temporal.api.enums.v1.TaskQueueType;
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: TASK_QUEUES[queue] },
    taskQueueType: queue === 'orchestration' ? TASK_QUEUE_TYPE_WORKFLOW : TASK_QUEUE_TYPE_ACTIVITY,
  });
  const live = (pollers ?? []).filter(({ lastAccessTime }) => nowMs - Number(lastAccessTime?.seconds ?? 0) * 1000 <= POLL_AGE_MS);
  return [...new Set(live.map(({ identity }) => identity ?? ''))].sort();
}
