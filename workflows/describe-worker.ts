import { proxyActivities } from '@temporalio/workflow';
import type { WorkerActivities } from '../contract/activities';
import { describeWorkerOptions } from '../contract/activity-options';
import type { WorkerReport } from '../contract/worker-report';

/** Asks one worker process what it sees of its machine. @param identity as the server knows it */
export async function describeWorker(identity: string): Promise<WorkerReport> {
  return await proxyActivities<WorkerActivities>(describeWorkerOptions(identity)).describeWorker();
}
