import type { Worker } from '@temporalio/worker';
import type { QueueName } from '../contract/task-queues';
import { createCpuWorker } from './cpu';
import { createGpuWorker } from './gpu';
import { createLlmWorker } from './llm';
import { createOrchestrationWorker } from './orchestration';
import type { WorkerSetting } from './setting';

/** The worker of each task queue. */
export const workerFactories: Readonly<Record<QueueName, (setting: WorkerSetting) => Promise<Worker>>> = {
  orchestration: createOrchestrationWorker,
  llm: createLlmWorker,
  cpu: createCpuWorker,
  gpu: createGpuWorker,
};
