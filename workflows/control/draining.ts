import { condition, isCancellation, log } from '@temporalio/workflow';
import type { ControlledWork } from './controlled-work';
import { tellParent } from './parent';

/**
 * Says to the workflow above, under an order that pauses the run, when nothing is in work here any more. Calls in flight are
 * finished under a pause, so what they need (a model that the run serves itself) may go only then.
 * @param isDrained whether nothing is in work under the order that holds now
 */
export async function tellWhenDrained(work: ControlledWork, isDrained: () => boolean): Promise<void> {
  const { pause, revision } = work.order;
  if (pause === undefined) return;
  try {
    await condition(() => isDrained() || work.order.revision !== revision);
    if (work.order.revision === revision) await tellParent(revision);
  } catch (error) {
    if (!isCancellation(error)) log.warn('a message about the end of work was not heard', { error: String(error) });
  }
}
