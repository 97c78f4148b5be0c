import { ActivityFailure, log, patched, TimeoutFailure } from '@temporalio/workflow';
import type { RunOutline } from '../contract/run';
import { activitiesOn } from './activities';
import type { RunControl } from './control/run-control';

/** A run whose gpu workers are started later, or are at work for days, is checked by a cpu worker. */
const WAIT = '30 seconds';
const SUMMARY = 'does the chat template take the new data?';

/** Patch id: runs that began before it went on without the check where no gpu worker was free. */
const ON_CPU = 'new data rendered on a cpu worker';

const gpu = activitiesOn('gpu', { scheduleToStartTimeout: WAIT });
const cpu = activitiesOn('cpu', { scheduleToStartTimeout: WAIT });

/**
 * Has a worker render the new data as the trainer will, before a call is paid for: of the gpu queue, or else of the cpu queue.
 * @throws what the check throws: lines that the target's chat template does not take
 */
export async function renderedFirst({ work }: RunControl, { runId, plan, renders }: RunOutline): Promise<void> {
  if (renders !== true) return;
  const done =
    (await inTime(async () => await work.runActivity(gpu.renderNewData, SUMMARY, { runId, plan }))) ||
    (patched(ON_CPU) && (await inTime(async () => await work.runActivity(cpu.renderNewDataOnCpu, SUMMARY, { runId, plan }))));
  if (done) return;
  log.warn(
    `no worker was free within ${WAIT}, so the new data were not rendered before the run; the training leaves out what it cannot render`,
  );
}

/** Whether a worker took it; what it throws is passed on. */
async function inTime(check: () => Promise<void>): Promise<boolean> {
  try {
    await check();
    return true;
  } catch (error) {
    if (isNotTaken(error)) return false;
    throw error;
  }
}

function isNotTaken(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure && error.cause.timeoutType === 'SCHEDULE_TO_START';
}
