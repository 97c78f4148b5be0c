import { ApplicationFailure, CancellationScope, condition, isCancellation, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import { POLL_OPTIONS, CANCEL_JOB_OPTIONS } from '../contract/activity-options';
import { trainingGrantedSignal, type TrainingCost } from '../contract/budget';
import type { FailureType } from '../contract/failures';
import type { TrainOutcome } from '../contract/outcomes';
import type { PlanRef } from '../contract/run';
import { activitiesOn } from './activities';
import type { ControlledWork } from './control/controlled-work';
import type { Root } from './control/root';

const submission = activitiesOn('llm');
const poll = activitiesOn('llm', POLL_OPTIONS);
/** Runs that began before know of no budget of trainings. */
const BUDGETED = 'budget of trainings';
const cancellation = activitiesOn('llm', CANCEL_JOB_OPTIONS);

/**
 * SFT by an endpoint. A pause only stops the looking: the job goes on at the provider, which has been paid for it. A
 * cancellation cancels the job.
 */
export async function fineTune(work: ControlledWork, root: Root, ref: PlanRef & { readonly variant: string }): Promise<TrainOutcome> {
  try {
    const cost = patched(BUDGETED) ? await funded(work, root, ref) : undefined;
    await work.run(
      async () => await submission.submitFineTuning.executeWithOptions({ summary: 'send the mixture, create the job' }, [ref]),
    );
    const outcome = await work.run(async () => await poll.awaitFineTuning.executeWithOptions({ summary: 'the provider trains' }, [ref]));
    if (cost !== undefined) await root.bookTraining({ ...cost, usd: outcome.usd ?? cost.usd, state: 'ended' });
    return outcome;
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(async () => await cancelJob(ref));
    throw error;
  }
}

/** Returns once the run's budget covers the job, with what it is estimated to cost. */
async function funded(work: ControlledWork, root: Root, ref: PlanRef & { readonly variant: string }): Promise<TrainingCost> {
  const keys = new Set<string>();
  setHandler(trainingGrantedSignal, ({ key }) => void keys.add(key));
  const { key, usd, ordered } = await work.run(
    async () => await submission.estimateFineTuning.executeWithOptions({ summary: 'what will the job cost?' }, [ref]),
  );
  const cost: TrainingCost = {
    from: workflowInfo().workflowId,
    variant: ref.variant,
    key,
    usd: usd ?? 0,
    state: ordered ? 'ordered' : 'asked',
  };
  await root.bookTraining(cost);
  await condition(() => keys.has(key));
  return cost;
}

/** @throws ApplicationFailure when the job may still run, and cost */
async function cancelJob(ref: PlanRef & { readonly variant: string }): Promise<void> {
  try {
    await cancellation.cancelFineTuning.executeWithOptions({ summary: 'cancel the job at the provider' }, [ref]);
  } catch (cause) {
    const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw ApplicationFailure.create({
      type: 'FineTuningNotCancelledError' satisfies FailureType,
      nonRetryable: true,
      ...(cause instanceof Error ? { cause } : {}),
      message: `the run is cancelled, but its fine-tuning job may still run at the provider: ${why}; cancel it there`,
    });
  }
}
