import { getExternalWorkflowHandle, isCancellation, log, workflowInfo } from '@temporalio/workflow';
import { askSignal, fundSignal, type Ask, type Funding } from './funding';

/** Sends a shard's ask to the synthesis that started it. One that has ended hears nothing; the shard has been told to stop then. */
export async function askParent(ask: Omit<Ask, 'id'>): Promise<void> {
  const { parent, workflowId } = workflowInfo();
  if (parent === undefined) throw new Error('a shard is started by a synthesis');
  await send(async () => await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(askSignal, { ...ask, id: workflowId }));
}

/** Answers a shard. */
export async function fundShard(workflowId: string, funding: Funding): Promise<void> {
  await send(async () => await getExternalWorkflowHandle(workflowId).signal(fundSignal, funding));
}

async function send(signal: () => Promise<void>): Promise<void> {
  try {
    await signal();
  } catch (error) {
    if (!isCancellation(error)) log.warn('a message about the budget was not heard', { error: String(error) });
  }
}
