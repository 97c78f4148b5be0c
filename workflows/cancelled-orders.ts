import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import { CANCEL_JOB_OPTIONS } from '../contract/activity-options';
import type { FailureType } from '../contract/failures';
import type { PlanRef } from '../contract/run';
import { activitiesOn } from './activities';

const cancellation = activitiesOn('llm', CANCEL_JOB_OPTIONS);

/** Runs a shard's work; where it is cancelled, so are the batches that it has ordered from providers. */
export async function withOrders<T>(ref: PlanRef & { readonly shard: number }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(async () => await cancelOrders(ref));
    throw error;
  }
}

/** @throws ApplicationFailure when batches may still run, and cost */
async function cancelOrders(ref: PlanRef & { readonly shard: number }): Promise<void> {
  try {
    await cancellation.cancelOrders.executeWithOptions({ summary: 'cancel the batches at their providers' }, [ref]);
  } catch (cause) {
    const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw ApplicationFailure.create({
      type: 'BatchesNotCancelledError' satisfies FailureType,
      nonRetryable: true,
      ...(cause instanceof Error ? { cause } : {}),
      message: `the run is cancelled, but batches that it has ordered may still run at their provider: ${why}; cancel them there`,
    });
  }
}
