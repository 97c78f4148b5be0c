import type { Client } from '@temporalio/client';
import type { SilentBatch } from '../../contract/budget';

/** A batch that did not answer, and the worker that has it. */
export interface SilentWorker extends SilentBatch {
  /** Identity of the worker, `pid@host`; null where none is known. */
  readonly worker: string | null;
}

/** Names the workers of batches that did not answer: those that run what their workflow wants cancelled. */
export async function workersOf(client: Client, silent: readonly SilentBatch[]): Promise<SilentWorker[]> {
  const named = await Promise.all(
    silent.map(async (each): Promise<SilentWorker[]> => {
      const { raw } = await client.workflow.getHandle(each.workflowId).describe();
      const workers = (raw.pendingActivities ?? []).flatMap(({ lastWorkerIdentity }) => (lastWorkerIdentity ? [lastWorkerIdentity] : []));
      return workers.length === 0 ? [{ ...each, worker: null }] : [...new Set(workers)].map((worker) => ({ ...each, worker }));
    }),
  );
  const seen = new Set<string>();
  return named.flat().filter(({ workflowId, batch, worker }) => {
    const key = `${worker ?? workflowId} ${batch ?? ''}`;
    return seen.has(key) ? false : (seen.add(key), true);
  });
}
