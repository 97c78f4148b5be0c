import { evaluationRow, HELD_OUT } from '../contract/progress';
import type { EvaluatedModel, PlanRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import { evaluateResultSchema, type HeldOutLoss } from '../services/python/python-protocol';
import { noCalls } from '../services/store/stage-store';
import { addresses } from '../stages/run-plan';
import { ROWS_VERSIONS } from '../stages/stage-keys';
import { heldOutLossTable, heldOutTable } from '../stages/tables';
import type { ActivityDeps } from './deps';
import { evaluatedWeights } from './evaluated-weights';
import { lossRequests, readLosses } from './held-out-losses';
import { readStage } from './read-stage';
import { runActivity } from './run-activity';

/** Kept with the output. */
export interface LossDetail {
  readonly losses: readonly HeldOutLoss[];
  readonly seconds: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** The loss of a model on the rows that were kept back from training. */
export function createMeasureLossesActivities(deps: ActivityDeps) {
  const { stages, workspace } = deps;
  return {
    /** Returns the mean loss a token (nats) by set. */
    async measureLosses(input: PlanRef & { readonly variant: string; readonly model: EvaluatedModel }): Promise<Record<string, number>> {
      return await runActivity(deps, async ({ stop, heartbeat }) => {
        const { variant, model } = input;
        const plan = await deps.plans.load(input.plan);
        const address = addresses.evaluateLoss(plan, model.sha256);
        const finished = await stages.find(address, ROWS_VERSIONS['evaluate-loss']);
        if (finished !== undefined) return bySet(finished.detail as LossDetail);

        const startedAt = new Date().toISOString();
        const { evaluate, train, seed } = plan.spec;
        const heldOut = addresses.holdOut(plan);
        const rows = await readStage(stages, heldOut, ROWS_VERSIONS.holdout, heldOutTable);
        const result = await deps.python.run({
          command: 'evaluate',
          resultSchema: evaluateResultSchema,
          stop,
          onEvent: (event) => {
            if (event.type !== 'progress') return;
            heartbeat({
              stage: 'evaluate',
              model: evaluationRow(variant, HELD_OUT),
              part: 'all',
              done: event.done,
              total: event.total,
              ...NO_CALLS,
              note: event.phase,
            });
          },
          spec: {
            ...(await evaluatedWeights(deps, { plan, variant, model })),
            outputDir: workspace.path(`${stages.folder(address)}/job`),
            seed,
            tasks: [],
            losses: await lossRequests(rows, { folder: workspace.path(`${stages.folder(address)}/held-out`), maxLength: train.maxLength }),
            batchSize: evaluate.batchSize,
            dtype: evaluate.dtype,
            threads: evaluate.threads ?? null,
          },
        });
        const { losses = [], seconds, versions } = result;
        const detail: LossDetail = { losses, seconds, versions };
        await stages.commit(address, ROWS_VERSIONS['evaluate-loss'], heldOutLossTable, {
          rows: await readLosses(result),
          failures: [],
          stats: noCalls(startedAt),
          detail,
          inputs: [heldOut],
        });
        return bySet(detail);
      });
    },
  };
}

function bySet({ losses }: LossDetail): Record<string, number> {
  return Object.fromEntries(losses.map(({ name, loss }) => [name, loss]));
}
