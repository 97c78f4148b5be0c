import { Worker } from '@temporalio/worker';
import { createActivities } from '../activities';
import { activitiesOn } from '../contract/activities';
import { TASK_QUEUES } from '../contract/task-queues';
import { sharedOptions, type WorkerSetting } from './setting';

/** Plans, selects, mixes and reports. */
export async function createCpuWorker({ connection, namespace, deps }: WorkerSetting): Promise<Worker> {
  return await Worker.create({
    ...sharedOptions,
    connection,
    namespace,
    taskQueue: TASK_QUEUES.cpu,
    activities: activitiesOn('cpu', createActivities(deps)),
    maxConcurrentActivityTaskExecutions: 4,
  });
}
