import { Worker } from '@temporalio/worker';
import { createCpuActivities } from '../activities';
import { TASK_QUEUES } from '../contract/task-queues';
import { sharedOptions, type WorkerSetting } from './setting';

/** Plans, selects, mixes and reports. */
export async function createCpuWorker({ connection, namespace, deps }: WorkerSetting): Promise<Worker> {
  return await Worker.create({
    ...sharedOptions,
    connection,
    namespace,
    taskQueue: TASK_QUEUES.cpu,
    activities: createCpuActivities(deps),
    maxConcurrentActivityTaskExecutions: 4,
  });
}
