import type { DataConverter } from '@temporalio/common';
import type { NativeConnection, WorkerOptions, WorkflowBundle } from '@temporalio/worker';
import type { ActivityDeps } from '../activities/deps';
import type { TracedWorker } from './traced-worker';

/** What every worker needs. */
export interface WorkerSetting {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly deps: ActivityDeps;
  /** The workflows' code, where the caller has it already. */
  readonly workflowBundle?: WorkflowBundle;
  /** How payloads are written, where they are encrypted. */
  readonly dataConverter?: DataConverter;
  /** Which version of the workers this is, where the server is to route by it. */
  readonly deployment?: WorkerOptions['workerDeploymentOptions'];
  /** Spans of workflows and activities, where they are traced. */
  readonly traced?: TracedWorker;
}

/** Options that all workers share. */
export const sharedOptions = {
  // Batches answer a draining worker within their longest request or checkpoint; a pod's termination grace must be longer.
  shutdownGraceTime: '2 minutes',
  // Progress, what is spent, and how soon a batch hears that it is to stop are as fresh as the heartbeats: batches beat every second.
  maxHeartbeatThrottleInterval: '1s',
  defaultHeartbeatThrottleInterval: '1s',
} satisfies Partial<WorkerOptions>;

/** Options of a worker of a task queue of runs, but for its queue and its work. */
export function commonOptions({ connection, namespace, dataConverter, deployment, traced }: WorkerSetting) {
  return {
    ...sharedOptions,
    connection,
    namespace,
    ...(dataConverter === undefined ? {} : { dataConverter }),
    ...(deployment === undefined ? {} : { workerDeploymentOptions: deployment }),
    ...traced,
  };
}
