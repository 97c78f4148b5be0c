import { condition, isCancellation, log, workflowInfo } from '@temporalio/workflow';
import { drainedSignal } from '../../contract/control';
import type { ControlledWork } from './controlled-work';
import { parentHandle } from './parent';

/**
 * Under an order that pauses the run, tells the parent when nothing is in work here any more. Calls in flight are finished
 * under a pause, so what they need (a model that the run serves itself) may end only then.
 * @param isDrained whether nothing is in work under the order that holds now
 */
export async function tellWhenDrained(work: ControlledWork, isDrained: () => boolean): Promise<void> {
  const { pause, revision } = work.order;
  if (pause === undefined) return;
  try {
    await condition(() => isDrained() || work.order.revision !== revision);
    if (work.order.revision === revision) await tellParent(revision);
  } catch (error) {
    if (!isCancellation(error)) log.warn('the parent was not told that nothing is in work here', { error: String(error) });
  }
}

async function tellParent(revision: number): Promise<void> {
  await parentHandle().signal(drainedSignal, { id: workflowInfo().workflowId, revision });
}
