import { hostname } from 'node:os';
import { Worker } from '@temporalio/worker';
import { createDescribeWorkerActivities } from '../activities/describe-worker';
import { ownQueue, type QueueName } from '../contract/task-queues';
import { commonOptions, type WorkerSetting } from './setting';

/** Name of this process at the server: the SDK's own default, under which all its workers poll. */
export function processIdentity(): string {
  return `${process.pid}@${hostname()}`;
}

/** Answers `rehearse doctor` for this process, also while its other workers are busy. */
export async function createSelfWorker(setting: WorkerSetting, queues: readonly QueueName[]): Promise<Worker> {
  return await Worker.create({
    // Asked by name, whatever its version.
    ...commonOptions({ ...setting, deployment: undefined }),
    taskQueue: ownQueue(processIdentity()),
    activities: createDescribeWorkerActivities(setting.deps, queues),
    maxConcurrentActivityTaskExecutions: 1,
    maxConcurrentActivityTaskPolls: 1,
  });
}
