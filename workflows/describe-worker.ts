import { proxyActivities } from '@temporalio/workflow';
import type { DescribeWorkerActivities } from '../activities/describe-worker';
import { describeWorkerOptions } from '../contract/activity-options';

/** Asks one worker process what it sees. @param identity as the server knows it */
export async function describeWorker(identity: string): ReturnType<DescribeWorkerActivities['describeWorker']> {
  return await proxyActivities<DescribeWorkerActivities>(describeWorkerOptions(identity)).describeWorker();
}
