import { ApplicationFailure, CancellationScope, condition, isCancellation, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import { CANCEL_JOB_OPTIONS, POLL_OPTIONS } from '../contract/activity-options';
import { trainingGrantedSignal, type TrainingCost } from '../contract/budget';
import type { FailureType } from '../contract/failures';
import type { TrainOutcome } from '../contract/outcomes';
import type { VariantRef } from '../contract/run';
import { activitiesOn } from './activities';
import type { ControlledWork } from './control/controlled-work';
import type { Root } from './control/root';

const submission = activitiesOn('llm');
const poll = activitiesOn('llm', POLL_OPTIONS);
const cancellation = activitiesOn('llm', CANCEL_JOB_OPTIONS);

/** Patch id: runs that began before it do not ask whether the budget covers their trainings. */
const BUDGETED = 'budget of trainings';

/** The part of a variant that fine-tuning works with. */
export interface FineTuningRun {
  readonly work: ControlledWork;
  readonly root: Root;
  readonly ref: VariantRef;
}

/**
 * SFT by an endpoint's fine-tuning API. A pause only stops the polling: the job goes on at the provider, which has been paid for
 * it. A cancellation cancels the job.
 */
export async function fineTune(run: FineTuningRun): Promise<TrainOutcome> {
  const { work, root, ref } = run;
  try {
    const cost = patched(BUDGETED) ? await grantedCost(run) : undefined;
    await work.runActivity(submission.submitFineTuning, 'send the mixture, create the job', ref);
    const outcome = await work.runActivity(poll.awaitFineTuning, 'the provider trains', ref);
    if (cost !== undefined) await root.bookTraining({ ...cost, usd: outcome.usd ?? cost.usd, state: 'ended' });
    return outcome;
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(async () => await cancelJob(ref));
    throw error;
  }
}

/** Returns, once the run's budget covers the job, what it is estimated to cost. */
async function grantedCost({ work, root, ref }: FineTuningRun): Promise<TrainingCost> {
  const granted = new Set<string>();
  setHandler(trainingGrantedSignal, ({ key }) => void granted.add(key));
  const { key, usd, ordered } = await work.runActivity(submission.estimateFineTuning, 'what will the job cost?', ref);
  const cost: TrainingCost = {
    from: workflowInfo().workflowId,
    variant: ref.variant,
    key,
    usd: usd ?? 0,
    state: ordered ? 'ordered' : 'asked',
  };
  await root.bookTraining(cost);
  await condition(() => granted.has(key));
  return cost;
}

/** @throws ApplicationFailure when the job may still run, and cost */
async function cancelJob(ref: VariantRef): Promise<void> {
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
