import type { ActivityOptions, RetryPolicy } from '@temporalio/common';
import { ownQueue, TASK_QUEUES, type ActivityQueue } from './task-queues';

/**
 * A batch that dies is tried again for as long as it takes: it goes on from its journal or checkpoint. What cannot
 * succeed says so itself, by a non-retryable failure.
 */
const retry: RetryPolicy = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1 minute' };

/**
 * By queue. Heartbeat timeouts are how soon a lost worker is noticed. They are well above the throttle of the workers'
 * heartbeats (1 s) and above a short outage of the server, after which a batch would needlessly begin again.
 */
export const ACTIVITY_OPTIONS: Readonly<Record<ActivityQueue, ActivityOptions>> = {
  llm: {
    taskQueue: TASK_QUEUES.llm,
    startToCloseTimeout: '7 days',
    heartbeatTimeout: '30s',
    retry,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  },
  cpu: {
    taskQueue: TASK_QUEUES.cpu,
    startToCloseTimeout: '6 hours',
    heartbeatTimeout: '60s',
    retry,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  },
  gpu: {
    taskQueue: TASK_QUEUES.gpu,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '60s',
    retry,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  },
};

/**
 * Looking at a job of a provider: every look that does not find it ended fails and is made again, which adds nothing to the
 * history. How long until the next one says the failure itself, or this.
 */
export const POLL_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '30 minutes',
  retry: { initialInterval: '30s', backoffCoefficient: 1 },
};

/** Cancelling what a provider does for a run that is cancelled; a provider that is away for longer is told of in the failure. */
export const CANCEL_JOB_OPTIONS: ActivityOptions = { scheduleToCloseTimeout: '1 hour' };

/** Asking one worker process, which answers at once or not at all. */
export function describeWorkerOptions(identity: string): ActivityOptions {
  return { taskQueue: ownQueue(identity), scheduleToCloseTimeout: '25 seconds', retry: { maximumAttempts: 1 } };
}
