import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

const POLL_MS = 100;

/** Polls until `look` gives something. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Open workflows of a run, from its root down. */
async function openWorkflows({ client }: TestWorkflowEnvironment, workflowId: string): Promise<WorkflowHandle[]> {
  const handle = client.workflow.getHandle(workflowId);
  const description = await handle.describe().catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) return undefined; // a child that is about to begin
    throw error;
  });
  if (description === undefined) return [];
  const { raw, status } = description;
  if (status.name !== 'RUNNING') return [];
  const children = (raw.pendingChildren ?? []).flatMap((child) => child.workflowId ?? []);
  return [
    handle,
    ...(await Promise.all(children.map(async (id) => await openWorkflows({ client } as TestWorkflowEnvironment, id)))).flat(),
  ];
}

/**
 * Returns when all of the run's activities that are to be cancelled have heard of it: each has beaten twice since the first look,
 * and the answer to a heartbeat tells.
 */
export async function cancellationsHeard(environment: TestWorkflowEnvironment, runId: string): Promise<void> {
  const beats = new Map<string, Set<string>>();
  await until(async () => {
    const descriptions = await Promise.all((await openWorkflows(environment, runId)).map(async (handle) => await handle.describe()));
    const told = descriptions.flatMap(({ workflowId, raw }) =>
      (raw.pendingActivities ?? []).map((activity) => {
        const key = `${workflowId} ${activity.activityId}`;
        const seen = beats.get(key) ?? new Set();
        beats.set(key, seen.add(String(activity.lastHeartbeatTime?.seconds)));
        return seen.size > 2;
      }),
    );
    return told.every(Boolean) ? true : undefined;
  });
}

/** Activities of a run that are scheduled or running, by type. */
export async function pendingActivities(environment: TestWorkflowEnvironment, runId: string): Promise<string[]> {
  const descriptions = await Promise.all((await openWorkflows(environment, runId)).map(async (handle) => await handle.describe()));
  return descriptions.flatMap(({ raw }) => (raw.pendingActivities ?? []).map(({ activityType }) => activityType?.name ?? ''));
}

/** Returns when nothing of the run is in work any more. */
export async function standstill(environment: TestWorkflowEnvironment, runId: string): Promise<void> {
  await until(async () => ((await pendingActivities(environment, runId)).length === 0 ? true : undefined));
}
