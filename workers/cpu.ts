import { Worker } from '@temporalio/worker';
import { createActivities } from '../activities';
import { activitiesOn } from '../contract/activities';
import { TASK_QUEUES } from '../contract/task-queues';
import { commonOptions, type WorkerSetting } from './setting';

/** Plans, selects, mixes and reports. */
export async function createCpuWorker(setting: WorkerSetting): Promise<Worker> {
  return await Worker.create({
    ...commonOptions(setting),
    taskQueue: TASK_QUEUES.cpu,
    activities: activitiesOn('cpu', createActivities(setting.deps)),
    maxConcurrentActivityTaskExecutions: 4,
  });
}
