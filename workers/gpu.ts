import { Worker } from '@temporalio/worker';
import { createActivities } from '../activities';
import { activitiesOn } from '../contract/activities';
import { TASK_QUEUES } from '../contract/task-queues';
import { commonOptions, type WorkerSetting } from './setting';

/** Trains and evaluates: one job at a time on a GPU set; more machines are more workers. */
export async function createGpuWorker(setting: WorkerSetting): Promise<Worker> {
  return await Worker.create({
    ...commonOptions(setting),
    taskQueue: TASK_QUEUES.gpu,
    activities: activitiesOn('gpu', createActivities(setting.deps)),
    maxConcurrentActivityTaskExecutions: 1,
  });
}
