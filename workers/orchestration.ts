import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { TASK_QUEUES } from '../contract/task-queues';
import { commonOptions, type WorkerSetting } from './setting';

/** Runs the workflows. */
export async function createOrchestrationWorker(setting: WorkerSetting): Promise<Worker> {
  const { workflowBundle, traced } = setting;
  return await Worker.create({
    ...commonOptions(setting),
    ...(workflowBundle === undefined ? workflowSource(traced !== undefined) : { workflowBundle }),
    taskQueue: TASK_QUEUES.orchestration,
    // How long a workflow stalls when the worker that held it is killed.
    stickyQueueScheduleToStartTimeout: '3s',
  });
}

/** The bundle made at build time when there is one, else the sources. Workflows that are traced are bundled together with what traces them. */
function workflowSource(isTraced: boolean): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const bundle = join(__dirname, '../workflow-bundle.js');
  return existsSync(bundle) && !isTraced ? { workflowBundle: { codePath: bundle } } : { workflowsPath: require.resolve('../workflows') };
}
