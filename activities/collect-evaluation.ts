import type { EvaluateOutcome } from '../contract/outcomes';
import type { EvaluatedModel, PlanRef } from '../contract/run';
import { canonicalJson } from '../method/canonical-json';
import { noCalls } from '../services/store/stage-store';
import { detailOf } from '../services/store/stored-output';
import { evaluateStage } from '../stages/evaluate';
import { evaluateLossStage } from '../stages/evaluate-loss';
import { evaluateTaskStage } from '../stages/evaluate-task';
import { type EvaluateResult, PYTHON_PROTOCOL } from '../stages/python-results';
import { trainStage } from '../stages/train';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

/** Puts the tasks of one model together, for the report. */
export function createCollectEvaluationActivities(deps: ActivityDeps) {
  const { stages } = deps;
  return {
    async collectEvaluation(input: PlanRef & { readonly variant: string; readonly model: EvaluatedModel }): Promise<EvaluateOutcome> {
      return await runActivity(deps, async () => {
        const { variant, model } = input;
        const plan = await deps.plans.load(input.plan);
        const taskOutputs = plan.spec.evaluate.tasks.map(({ task }) => evaluateTaskStage.at(plan, task, model.sha256));
        const lossOutputs = plan.keys.holdOut === undefined ? [] : [evaluateLossStage.at(plan, model.sha256)];
        const all = [...taskOutputs, ...lossOutputs, ...(variant === 'official' ? [] : [trainStage.at(plan, variant)])];
        const finished = await stages.find(evaluateStage.at(plan, variant));
        // What was made of other weights under the same name, or by an older release, is made again.
        if (
          finished !== undefined &&
          canonicalJson(finished.manifest.inputs.map(({ address }) => address)) === canonicalJson(all.map(({ address }) => address))
        ) {
          return outcomeOf(detailOf(finished));
        }
        const evaluated = await Promise.all(taskOutputs.map(async (output) => await stages.input(output)));
        const details = evaluated.map((each) => detailOf(each));
        const tasks = details.map(({ score }) => score);
        const average = tasks.reduce((sum, { normalized }) => sum + normalized, 0) / tasks.length;
        const measured = await Promise.all(lossOutputs.map(async (output) => await stages.input(output)));
        const losses = measured.flatMap((each) => detailOf(each).losses);
        const detail: EvaluateResult = {
          protocol: PYTHON_PROTOCOL,
          kind: 'evaluate',
          average,
          weightsSha256: model.sha256,
          tasks,
          ...(measured.length === 0 ? {} : { losses }),
          seconds: tasks.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
          versions: Object.assign({}, ...details.map(({ versions }) => versions)) as Record<string, string>,
        };
        const rows = (await Promise.all(evaluated.map(async (each) => await stages.readRows(each)))).flat();
        const startedAt = evaluated.map(({ manifest }) => manifest.stats.startedAt).sort()[0] ?? new Date().toISOString();
        await stages.commit(evaluateStage.at(plan, variant), {
          rows,
          failures: [],
          stats: noCalls(startedAt),
          detail,
          inputs: all,
          ...(measured.length === 0
            ? {}
            : { losses: (await Promise.all(measured.map(async (each) => await stages.readRows(each)))).flat() }),
        });
        return outcomeOf(detail);
      });
    },
  };
}

function outcomeOf({ tasks, average, losses }: EvaluateResult): EvaluateOutcome {
  if (average === null) throw new Error('an evaluation without tasks has no average; a validated spec cannot come here');
  return {
    scores: Object.fromEntries(tasks.map(({ task, primary }) => [task, primary.value])),
    average,
    ...(losses === undefined ? {} : { losses: Object.fromEntries(losses.map(({ name, loss }) => [name, loss])) }),
  };
}
