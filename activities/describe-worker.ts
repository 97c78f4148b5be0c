import type { WorkerActivities } from '../contract/activities';
import type { QueueName } from '../contract/task-queues';
import { type WorkerReport } from '../contract/worker-report';
import { reportWorker } from '../services/runs/worker-report';
import type { ActivityDeps } from './deps';

/** What a worker process tells of itself, on a queue of its own. */
export function createDescribeWorkerActivities({ store }: Pick<ActivityDeps, 'store'>, queues: readonly QueueName[]): WorkerActivities {
  return {
    async describeWorker(): Promise<WorkerReport> {
      return await reportWorker(queues, store);
    },
  };
}
