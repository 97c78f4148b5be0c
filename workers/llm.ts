import { Worker } from '@temporalio/worker';
import { createActivities } from '../activities';
import { activitiesOn } from '../contract/activities';
import { TASK_QUEUES } from '../contract/task-queues';
import { sharedOptions, type WorkerSetting } from './setting';

/** Calls model endpoints. Batches wait for the endpoint's limiter, so many may run at once. */
export async function createLlmWorker({ connection, namespace, deps }: WorkerSetting): Promise<Worker> {
  return await Worker.create({
    ...sharedOptions,
    connection,
    namespace,
    taskQueue: TASK_QUEUES.llm,
    activities: activitiesOn('llm', createActivities(deps)),
    maxConcurrentActivityTaskExecutions: 64,
  });
}
