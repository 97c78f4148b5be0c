import type { Context } from '@temporalio/activity';
import type { Logger } from 'pino';
import { batchStoppedSignal, type StoppedBatch } from '../contract/budget';
import type { BatchBudget } from '../services/batches/batch-budget';

/**
 * Tells the shard of a batch that was cancelled that it sends nothing more. Its calls in flight may take minutes, and who lowers a
 * budget is to be answered before.
 */
export async function tellStopped(context: Context, id: string | undefined, budget: BatchBudget, log: Pick<Logger, 'warn'>): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve)); // calls that wait, and are not sent, hear of it first
  await tell(context, id, () => ({ cost: budget.cost, inFlight: budget.inFlightCost }), log);
}

/** Tells the shard of a batch what it has ordered from a provider, which may still be billed while no attempt of it runs. */
export async function tellOrdered(context: Context, id: string | undefined, budget: BatchBudget, log: Pick<Logger, 'warn'>): Promise<void> {
  await tell(context, id, () => ({ cost: budget.cost, inFlight: budget.inFlightCost, ordered: true }), log);
}

async function tell(
  context: Context,
  id: string | undefined,
  what: () => Omit<StoppedBatch, 'id'>,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  if (id === undefined) return; // scheduled by a release that did not ask
  try {
    const { info, client } = context;
    const { workflowId, runId } = info.workflowExecution ?? {};
    if (workflowId === undefined) return;
    await client.workflow.getHandle(workflowId, runId).signal(batchStoppedSignal, { id, ...what() });
  } catch (error) {
    log.warn({ batch: id, err: error }, 'the shard was not told that this batch has stopped, or what it has ordered; it will see its end');
  }
}
