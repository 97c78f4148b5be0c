import { Worker } from '@temporalio/worker';
import { createLlmActivities } from '../activities';
import { TASK_QUEUES } from '../contract/task-queues';
import { sharedOptions, type WorkerSetting } from './setting';

/** Calls model endpoints. Batches wait for the endpoint's limiter, so many may run at once. */
export async function createLlmWorker({ connection, namespace, deps }: WorkerSetting): Promise<Worker> {
  return await Worker.create({
    ...sharedOptions,
    connection,
    namespace,
    taskQueue: TASK_QUEUES.llm,
    activities: createLlmActivities(deps),
    maxConcurrentActivityTaskExecutions: 64,
  });
}
