import { getExternalWorkflowHandle, isCancellation, log, workflowInfo, type ExternalWorkflowHandle } from '@temporalio/workflow';
import { askSignal, fundSignal, type Ask, type Funding } from '../../contract/budget';
import { drainedSignal } from '../../contract/control';

/** Sends a shard's ask to the synthesis that started it. One that has ended hears nothing; the shard has been told to stop then. */
export async function askParent(ask: Omit<Ask, 'id'>): Promise<void> {
  await send(async () => await parentHandle().signal(askSignal, { ...ask, id: workflowInfo().workflowId }));
}

/** Says that under the order of this revision nothing is in work here. @throws what keeps it from being heard */
export async function tellParent(revision: number): Promise<void> {
  await parentHandle().signal(drainedSignal, { id: workflowInfo().workflowId, revision });
}

/** Answers a shard. */
export async function fundShard(workflowId: string, funding: Funding): Promise<void> {
  await send(async () => await getExternalWorkflowHandle(workflowId).signal(fundSignal, funding));
}

function parentHandle(): ExternalWorkflowHandle {
  const { parent } = workflowInfo();
  if (parent === undefined) throw new Error('this workflow is started by another one');
  return getExternalWorkflowHandle(parent.workflowId, parent.runId);
}

async function send(signal: () => Promise<void>): Promise<void> {
  try {
    await signal();
  } catch (error) {
    if (!isCancellation(error)) log.warn('a message about the budget was not heard', { error: String(error) });
  }
}
