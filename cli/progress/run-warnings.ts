import type { Client } from '@temporalio/client';
import { formatCount, formatDuration } from '../../contract/figures';
import { TASK_QUEUES, type QueueName } from '../../contract/task-queues';
import { queuePollers } from '../server/queue-pollers';
import type { PendingActivity } from './pending-activities';

/** A batch may wait its turn for long; only then is it asked whether anyone works on its queue. */
const SUSPICIOUS_WAIT_MS = 15_000;

/** Why a running run does not answer a query. */
export async function whyUnanswered(client: Client): Promise<string> {
  return (await queuePollers(client, 'orchestration')).length === 0
    ? `no worker polls ${TASK_QUEUES.orchestration}: start one with "npx rehearse worker"`
    : 'the run does not answer yet: its worker is busy or starting';
}

/** One sentence for each kind of failure, however many batches fail with it. */
export function failingActivities(activities: readonly PendingActivity[]): string[] {
  const groups = new Map<string, PendingActivity[]>();
  for (const activity of activities) {
    if (activity.lastFailure === undefined) continue;
    const key = `${activity.type}\n${activity.lastFailure}`;
    groups.set(key, [...(groups.get(key) ?? []), activity]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const attempt = Math.max(...group.map((each) => each.attempt));
    const many = group.length === 1 ? '' : `${formatCount(group.length)} × `;
    return `${many}${first.type}, attempt ${attempt}: ${first.lastFailure ?? ''}`;
  });
}

/** One sentence for each queue where work waits and no worker polls. A full worker does not poll, so a queue with an activity in work has one. */
export async function idleQueues(client: Client, activities: readonly PendingActivity[]): Promise<string[]> {
  const served = new Set(activities.flatMap(({ queue, running }) => (running ? [queue] : [])));
  const waits = new Map<QueueName, number>();
  for (const { queue, waitingSinceMs } of activities) {
    if (queue === undefined || waitingSinceMs === undefined || served.has(queue)) continue;
    waits.set(queue, Math.max(waits.get(queue) ?? 0, Date.now() - waitingSinceMs));
  }
  const sentences = [...waits].map(async ([queue, waitMs]) => {
    if (waitMs < SUSPICIOUS_WAIT_MS || (await queuePollers(client, queue)).length > 0) return [];
    const orElse = queue === 'gpu' ? ', unless those there work for another run' : '';
    return [
      `no worker polls ${TASK_QUEUES[queue]}; work waits there for ${formatDuration(waitMs)}: start one with "npx rehearse worker --queue ${queue}"${orElse}`,
    ];
  });
  return (await Promise.all(sentences)).flat();
}
