import { getExternalWorkflowHandle, isCancellation, log, workflowInfo } from '@temporalio/workflow';
import {
  type GrantRequest,
  grantRequestSignal,
  type ShardGrant,
  shardGrantSignal,
  trainingGrantedSignal,
  type Withdrawn,
  withdrawnSignal,
} from '../../contract/budget';
import { parentHandle } from '../control/parent';

/** Sends a shard's request to the synthesis that started it. */
export async function requestGrant(request: Omit<GrantRequest, 'id'>): Promise<void> {
  await send(async () => await parentHandle().signal(grantRequestSignal, { ...request, id: workflowInfo().workflowId }));
}

/** Tells the workflow that started this one that its grants are given back. */
export async function sendWithdrawn(answer: Omit<Withdrawn, 'id'>): Promise<void> {
  await send(async () => await parentHandle().signal(withdrawnSignal, { ...answer, id: workflowInfo().workflowId }));
}

/** Answers a shard's request. */
export async function grantToShard(workflowId: string, grant: ShardGrant): Promise<void> {
  await send(async () => await getExternalWorkflowHandle(workflowId).signal(shardGrantSignal, grant));
}

/** Tells a variant that its training may be ordered. */
export async function grantTraining(workflowId: string, key: string): Promise<void> {
  await send(async () => await getExternalWorkflowHandle(workflowId).signal(trainingGrantedSignal, { key }));
}

/** A receiver that has ended gets nothing: a shard or a variant has been told to stop by then, or needs no grant any more. */
async function send(signal: () => Promise<void>): Promise<void> {
  try {
    await signal();
  } catch (error) {
    if (!isCancellation(error)) log.warn('a message about the budget was not delivered', { error: String(error) });
  }
}
