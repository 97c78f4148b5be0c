import type { PlanRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import { checkTaskNames, otherTasks } from '../services/training/task-names';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

/** A task that does not exist is to be found before its model is synthesized for and trained, not after. */
export function createCheckTasksActivities(deps: ActivityDeps) {
  return {
    async checkTasks({ plan }: PlanRef): Promise<void> {
      await runActivity(deps, async ({ stop, heartbeat }) => {
        const { spec } = await deps.plans.load(plan);
        heartbeat({ stage: 'evaluate', model: '', part: 'all', done: 0, total: 1, ...NO_CALLS, note: 'are there such tasks?' });
        await checkTaskNames(deps.python, otherTasks(spec), { stop, onEvent: () => undefined });
      });
    },
  };
}
