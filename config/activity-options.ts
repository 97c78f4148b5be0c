import type { ActivityOptions, RetryPolicy } from '@temporalio/common';
import { TASK_QUEUES } from './task-queues';

/**
 * A batch that dies is tried again for as long as it takes: it goes on from its journal or checkpoint. What cannot
 * succeed says so itself, by a non-retryable failure.
 */
const retry: RetryPolicy = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1 minute' };

/**
 * Heartbeat timeouts are how soon a lost worker is noticed. They are well above the throttle of the workers' heartbeats
 * (2 s) and above a short outage of the server, after which a batch would needlessly begin anew.
 */
export const llmActivityOptions: ActivityOptions = {
  taskQueue: TASK_QUEUES.llm, startToCloseTimeout: '7 days', heartbeatTimeout: '30s', retry,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

export const cpuActivityOptions: ActivityOptions = {
  taskQueue: TASK_QUEUES.cpu, startToCloseTimeout: '6 hours', heartbeatTimeout: '60s', retry,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

export const gpuActivityOptions: ActivityOptions = {
  taskQueue: TASK_QUEUES.gpu, startToCloseTimeout: '30 days', heartbeatTimeout: '60s', retry,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};
