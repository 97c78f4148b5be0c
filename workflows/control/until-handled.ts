import { allHandlersFinished, CancellationScope, condition } from '@temporalio/workflow';

/** Does a workflow's work, and lets the Updates and signals that are being handled at its end come to theirs. */
export async function untilHandled<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await CancellationScope.nonCancellable(async () => await condition(allHandlersFinished));
  }
}
