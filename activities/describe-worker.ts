import type { QueueName } from '../contract/task-queues';
import { reportWorker, type WorkerReport } from '../services/runs/worker-report';
import type { ActivityDeps } from './deps';

/** What a worker process tells of itself, on a queue of its own. */
export function createDescribeWorkerActivities({ store }: Pick<ActivityDeps, 'store'>, queues: readonly QueueName[]) {
  return {
    async describeWorker(): Promise<WorkerReport> {
      return await reportWorker(queues, store);
    },
  };
}

export type DescribeWorkerActivities = ReturnType<typeof createDescribeWorkerActivities>;
