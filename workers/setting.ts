import type { NativeConnection, WorkerOptions, WorkflowBundle } from '@temporalio/worker';
import type { ActivityDeps } from '../activities/deps';

/** What every worker needs. */
export interface WorkerSetting {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly deps: ActivityDeps;
  /** The workflows' code, where the caller has it already. */
  readonly workflowBundle?: WorkflowBundle;
}

/** Options that all workers share. */
export const sharedOptions = {
  // Batches answer a draining worker within their longest request or checkpoint; a pod's termination grace must be longer.
  shutdownGraceTime: '2 minutes',
  // Progress in the live view is as fresh as the heartbeats, and batches beat every 2 s.
  maxHeartbeatThrottleInterval: '2s',
  defaultHeartbeatThrottleInterval: '2s',
} satisfies Partial<WorkerOptions>;
