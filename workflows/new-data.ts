import { ActivityFailure, log, TimeoutFailure } from '@temporalio/workflow';
import type { RunOutline } from '../contract/run';
import { activitiesOn } from './activities';
import type { RunControl } from './control/run-control';

/** A run whose gpu workers are started later, or are at work for days, begins without the check. */
const WAIT = '30 seconds';

const gpu = activitiesOn('gpu', { scheduleToStartTimeout: WAIT });

/**
 * Has a gpu worker render the new data as its trainer will, before a call is paid for.
 * @throws what the check throws: lines that the target's chat template does not take
 */
export async function renderedFirst({ work }: RunControl, { runId, plan, renders }: RunOutline): Promise<void> {
  if (renders !== true) return;
  try {
    await work.runActivity(gpu.renderNewData, 'does the chat template take the new data?', { runId, plan });
  } catch (error) {
    if (!isNotTaken(error)) throw error;
    log.warn(
      `no gpu worker was free within ${WAIT}, so the new data were not rendered before the run; the training leaves out what it cannot render`,
    );
  }
}

function isNotTaken(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure && error.cause.timeoutType === 'SCHEDULE_TO_START';
}
