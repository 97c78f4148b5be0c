import { LEADERBOARD_TASKS } from '../config/evaluation-splits';
import type { PlanRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import type { LeaderboardTask } from '../method/forgetting';
import type { EvaluationDocument } from '../method/quality/contamination';
import { readJsonLines } from '../services/data/json-lines';
import { documentSchema } from '../services/python/python-protocol';
import { documentsStage } from '../stages/documents';
import { type RunPlan } from '../stages/run-plan';
import type { ActivityDeps } from './deps';
import { runActivity, type ActivityScope } from './run-activity';

/** The questions of evaluation sets that are on the hub, for the filter that keeps them out of the training data. */
export function createDocumentsActivities(deps: ActivityDeps) {
  const { stages, workspace } = deps;

  async function fetchTask(plan: RunPlan, task: LeaderboardTask, { stop, heartbeat }: ActivityScope): Promise<number> {
    const output = documentsStage.at(plan, task);
    const { manifest } = await stages.findOrMake(output, async () => {
      const result = await deps.python.run({
        command: 'documents',
        stop,
        onEvent: (event) => {
          if (event.type !== 'progress') return;
          heartbeat({
            stage: 'filter',
            model: '',
            part: 'all',
            done: 0,
            total: 1,
            ...NO_CALLS,
            note: `fetching the questions of ${event.phase}`,
          });
        },
        spec: { task, outputDir: workspace.path(`${stages.folder(output.address)}/job`) },
      });
      const rows: EvaluationDocument[] = [];
      for await (const { row } of readJsonLines(result.path)) rows.push({ task, ...documentSchema.parse(row) });
      return { rows, inputs: [] };
    });
    return manifest.rows.rows;
  }

  return {
    /** Fetches what is not stored yet, task by task; returns how many questions there are. */
    async fetchDocuments({ plan: hash }: PlanRef): Promise<{ readonly documents: number }> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(hash);
        let documents = 0;
        for (const task of LEADERBOARD_TASKS) {
          if (plan.keys.documents?.[task] !== undefined) documents += await fetchTask(plan, task, scope);
        }
        return { documents };
      });
    },
  };
}
