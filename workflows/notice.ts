import type { Notice } from '../contract/notices';
import { activitiesOn } from './activities';

const cpu = activitiesOn('cpu', { scheduleToCloseTimeout: '1 day', startToCloseTimeout: '5 minutes' });

/** Tells one notice, tried again for a day: in a workflow of its own, so that no run waits for a webhook. */
export async function notice(told: Notice): Promise<void> {
  await cpu.sendNotice(told);
}
