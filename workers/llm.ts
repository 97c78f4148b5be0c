import { Worker } from '@temporalio/worker';
import { createActivities } from '../activities';
import { activitiesOn } from '../contract/activities';
import { TASK_QUEUES } from '../contract/task-queues';
import { commonOptions, type WorkerSetting } from './setting';

/** Calls model endpoints. Batches wait for the endpoint's limiter, so many may run at once. */
export async function createLlmWorker(setting: WorkerSetting): Promise<Worker> {
  return await Worker.create({
    ...commonOptions(setting),
    taskQueue: TASK_QUEUES.llm,
    activities: activitiesOn('llm', createActivities(setting.deps)),
    maxConcurrentActivityTaskExecutions: 64,
  });
}
