import { ApplicationFailure, CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { LlmActivities } from '../activities';
import type { TrainOutcome } from '../activities/train';
import { farewellActivityOptions, llmActivityOptions, pollActivityOptions } from '../config/activity-options';
import type { ControlledWork } from './controlled';
import type { PlanRef } from './types';

const submission = proxyActivities<LlmActivities>(llmActivityOptions);
const poll = proxyActivities<LlmActivities>(pollActivityOptions);
const farewell = proxyActivities<LlmActivities>(farewellActivityOptions);

/**
 * SFT by an endpoint. A pause only stops the looking: the job goes on at the provider, which has been paid for it. A
 * cancellation cancels the job.
 */
export async function fineTune(work: ControlledWork, ref: PlanRef & { readonly variant: string }): Promise<TrainOutcome> {
  try {
    await work.run(async () => await submission.submitFineTuning.executeWithOptions({ summary: 'send the mixture, create the job' }, [ref]));
    return await work.run(async () => await poll.awaitFineTuning.executeWithOptions({ summary: 'the provider trains' }, [ref]));
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(async () => await cancelJob(ref));
    throw error;
  }
}

/** @throws ApplicationFailure when the job may still run, and cost */
async function cancelJob(ref: PlanRef & { readonly variant: string }): Promise<void> {
  try {
    await farewell.cancelFineTuning.executeWithOptions({ summary: 'cancel the job at the provider' }, [ref]);
  } catch (cause) {
    const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw ApplicationFailure.create({
      type: 'FineTuningNotCancelledError', nonRetryable: true, ...(cause instanceof Error ? { cause } : {}),
      message: `the run is cancelled, but its fine-tuning job may still run at the provider: ${why}; cancel it there`,
    });
  }
}
