import { proxyActivities, type ActivityInterfaceFor, type ActivityOptions } from '@temporalio/workflow';
import type { ActivitiesOn } from '../contract/activities';
import { ACTIVITY_OPTIONS } from '../contract/activity-options';
import type { ActivityQueue } from '../contract/task-queues';

/** The activities of one queue, to be scheduled there and nowhere else. @param options instead of the queue's own */
export function activitiesOn<Queue extends ActivityQueue>(
  queue: Queue,
  options: ActivityOptions = {},
): ActivityInterfaceFor<ActivitiesOn<Queue>> {
  return proxyActivities<ActivitiesOn<Queue>>({ ...ACTIVITY_OPTIONS[queue], ...options });
}
