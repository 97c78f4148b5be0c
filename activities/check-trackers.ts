import type { PlanRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

/** A tracker that is not installed is to be missed before anything is paid for, not when the training begins. */
export function createCheckTrackersActivities(deps: ActivityDeps) {
  return {
    async checkTrackers({ plan, runId }: PlanRef): Promise<void> {
      await runActivity(deps, async ({ stop, heartbeat }) => {
        const trackers = (await deps.plans.load(plan)).spec.train.reportTo ?? [];
        heartbeat({ stage: 'train', model: '', part: 'all', done: 0, total: 1, ...NO_CALLS, note: 'are the trackers installed?' });
        await deps.python.run({
          command: 'trackers',
          stop,
          onEvent: () => undefined,
          spec: { trackers, outputDir: deps.workspace.path(`runs/${runId}/trackers`) },
        });
      });
    },
  };
}
