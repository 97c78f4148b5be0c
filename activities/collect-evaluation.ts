import type { EvaluateOutcome } from '../contract/outcomes';
import type { EvaluatedModel, PlanRef } from '../contract/run';
import { canonicalJson } from '../method/canonical-json';
import { type EvaluateResult, PYTHON_PROTOCOL } from '../services/python/python-protocol';
import { noCalls } from '../services/store/stage-store';
import { addresses } from '../stages/run-plan';
import { ROWS_VERSIONS } from '../stages/stage-keys';
import { heldOutLossTable, sampleTable } from '../stages/tables';
import type { ActivityDeps } from './deps';
import type { TaskDetail } from './evaluate';
import type { LossDetail } from './measure-losses';
import { inputManifest } from './read-stage';
import { runActivity } from './run-activity';

/** Puts the tasks of one model together, for the report. */
export function createCollectEvaluationActivities(deps: ActivityDeps) {
  const { stages } = deps;
  return {
    async collectEvaluation(input: PlanRef & { readonly variant: string; readonly model: EvaluatedModel }): Promise<EvaluateOutcome> {
      return await runActivity(deps, async () => {
        const { variant, model } = input;
        const plan = await deps.plans.load(input.plan);
        const taskAddresses = plan.spec.evaluate.tasks.map(({ task }) => addresses.evaluateTask(plan, task, model.sha256));
        const lossAddresses = plan.keys.holdOut === undefined ? [] : [addresses.evaluateLoss(plan, model.sha256)];
        const all = [...taskAddresses, ...lossAddresses, ...(variant === 'official' ? [] : [addresses.train(plan, variant)])];
        const finished = await stages.find(addresses.evaluate(plan, variant), ROWS_VERSIONS.evaluate);
        // What was made of other weights under the same name, or by an older release, is made anew.
        if (finished !== undefined && canonicalJson(finished.inputs.map(({ address }) => address)) === canonicalJson(all)) {
          return outcomeOf(finished.detail as EvaluateResult);
        }
        const manifests = await Promise.all(
          taskAddresses.map(async (address) => await inputManifest(stages, address, ROWS_VERSIONS['evaluate-task'])),
        );
        const details = manifests.map(({ detail }) => detail as TaskDetail);
        const tasks = details.map(({ score }) => score);
        const average = tasks.reduce((sum, { normalized }) => sum + normalized, 0) / tasks.length;
        const measured = await Promise.all(
          lossAddresses.map(async (address) => await inputManifest(stages, address, ROWS_VERSIONS['evaluate-loss'])),
        );
        const losses = measured.flatMap((manifest) => (manifest.detail as LossDetail).losses);
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
        const rows = (await Promise.all(manifests.map(async (manifest) => await stages.readRows(manifest, sampleTable)))).flat();
        const startedAt = manifests.map(({ stats }) => stats.startedAt).sort()[0] ?? new Date().toISOString();
        await stages.commit(addresses.evaluate(plan, variant), ROWS_VERSIONS.evaluate, sampleTable, {
          rows,
          failures: [],
          stats: noCalls(startedAt),
          detail,
          inputs: all,
          ...(measured.length === 0
            ? {}
            : { losses: (await Promise.all(measured.map(async (manifest) => await stages.readRows(manifest, heldOutLossTable)))).flat() }),
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
