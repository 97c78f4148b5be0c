import { evaluationRow, HELD_OUT } from '../contract/progress';
import type { EvaluatedModel, PlanRef } from '../contract/run';
import { detailOf } from '../services/store/stored-output';
import { evaluateLossStage, type LossDetail } from '../stages/evaluate-loss';
import { holdOutStage } from '../stages/hold-out';
import { templateDate } from '../stages/template-date';
import type { ActivityDeps } from './deps';
import { evaluatedWeights } from './evaluated-weights';
import { lossRequests, readLosses } from './held-out-losses';
import { phaseBeats } from './phase-beats';
import { runActivity } from './run-activity';

/** The loss of a model on the held-out rows. */
export function createMeasureLossesActivities(deps: ActivityDeps) {
  const { stages, workspace } = deps;
  return {
    /** Returns the mean loss a token (nats) by set. */
    async measureLosses(input: PlanRef & { readonly variant: string; readonly model: EvaluatedModel }): Promise<Record<string, number>> {
      return await runActivity(deps, async ({ stop, heartbeat }) => {
        const { variant, model } = input;
        const plan = await deps.plans.load(input.plan);
        const output = evaluateLossStage.at(plan, model.sha256);
        const folder = stages.folder(output.address);
        const measured = await stages.findOrMake(output, async () => {
          const { evaluate, train, seed } = plan.spec;
          const heldOut = holdOutStage.at(plan);
          const rows = await stages.inputRows(heldOut);
          const result = await deps.python.run({
            command: 'evaluate',
            stop,
            onEvent: phaseBeats(heartbeat, { stage: 'evaluate', model: evaluationRow(variant, HELD_OUT) }),
            spec: {
              ...(await evaluatedWeights(deps, { plan, variant, model })),
              outputDir: workspace.path(`${folder}/job`),
              seed,
              tasks: [],
              losses: await lossRequests(rows, { folder: workspace.path(`${folder}/held-out`), train }),
              batchSize: evaluate.batchSize,
              dtype: evaluate.dtype,
              threads: evaluate.threads ?? null,
              ...templateDate(plan),
            },
          });
          const { losses = [], seconds, versions } = result;
          return { rows: await readLosses(result), detail: { losses, seconds, versions }, inputs: [heldOut] };
        });
        return bySet(detailOf(measured));
      });
    },
  };
}

function bySet({ losses }: LossDetail): Record<string, number> {
  return Object.fromEntries(losses.map(({ name, loss }) => [name, loss]));
}
