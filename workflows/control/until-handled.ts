import { allHandlersFinished, CancellationScope, condition } from '@temporalio/workflow';

/** Runs a workflow's work, and returns when the Updates and signals that are being handled at its end are done, too. */
export async function untilHandled<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await CancellationScope.nonCancellable(async () => await condition(allHandlersFinished));
  }
}
