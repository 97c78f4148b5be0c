import { ApplicationFailure } from '@temporalio/activity';
import { isBatched } from '../config/batch-apis';
import { parseSpec, validateRunId } from '../config/load-spec';
import { modelOf, modelsInUse } from '../config/models-in-use';
import type { RunSpec, RunSpecInput } from '../config/spec';
import { fixedSteps } from '../config/training-backends';
import { specOf } from '../config/training-method';
import { trains, workingVariants } from '../config/until';
import { variantsOf, type Variant } from '../config/variants';
import type { FailureType } from '../contract/failures';
import type { RunOutline, VariantOutline } from '../contract/run';
import { NO_SETTINGS, type RunSettings } from '../contract/run-settings';
import { runCosts } from '../planning/run-costs';
import { noticeTargets } from '../services/notices/notice-targets';
import { contentIdentities } from '../services/runs/content-identities';
import { checkSpecFiles, today } from '../services/runs/spec-files';
import { checkStoreWorks } from '../services/store/store-check';
import { TemplateNotReadError } from '../services/tokenizers/template-error';
import { otherTasks } from '../services/training/task-names';
import { stageKeys } from '../stages/chain';
import { methodShards } from '../stages/own-answers-plan';
import { type ContentIdentities } from '../stages/planned';
import { type RunPlan } from '../stages/run-plan';
import type { ActivityDeps } from './deps';
import { earlyOutline } from './early-outline';
import { setDamagedAside } from './mend';
import { fetchNewData } from './new-data';
import { keepNewData } from './new-data-file';
import { ownAnswersOutlines } from './own-answers-outline';
import { drawPrompts } from './prompts';
import { runActivity } from './run-activity';

/** Checks the spec once more on the worker's side, where its files and keys are, and stores the plan of the run. */
export function createPrepareActivities(deps: ActivityDeps) {
  return {
    async prepareRun(input: { readonly runId: string; readonly spec: RunSpecInput; readonly settings?: RunSettings }): Promise<RunOutline> {
      return await runActivity(deps, async (scope) => {
        await checkStoreWorks(deps.store);
        validateRunId(input.runId);
        const spec = parseSpec(input.spec);
        const earlier = await templatesOfEarlierStart(deps, input.runId);
        const problems = await checkSpecFiles(spec, {
          reading: {
            date: Object.values(earlier).find(({ date }) => date !== undefined)?.date ?? today(),
            env: deps.env,
            builtin: async (weights) => (await deps.weights.resolve(weights, undefined)).path,
            earlier,
          },
        });
        if (problems.errors.length === 0 && problems.unreached.length > 0) {
          throw new TemplateNotReadError(`${problems.unreached.join('; ')}; start the run again when it can be reached`, true);
        }
        if (problems.errors.length > 0) {
          throw ApplicationFailure.nonRetryable(problems.errors.join('; '), 'SpecError' satisfies FailureType);
        }
        const { templates } = problems;
        const content: ContentIdentities = {
          ...(await contentIdentities(spec, deps.weights)),
          ...(Object.keys(templates).length === 0 ? {} : { templates }),
        };
        const { extract, respond, judge, shardSize, concurrentShards } = spec.synthesis;
        const method: RunPlan = { spec, content, keys: stageKeys(spec, content), shards: methodShards(spec) };
        const prompts = await drawPrompts(deps, method, scope); // before anything is paid
        const plan: RunPlan = Object.keys(prompts).length === 0 ? method : { ...method, prompts };
        await setDamagedAside(deps, plan, scope.stop);
        if (plan.keys.newData !== undefined) await fetchNewData(deps, plan, scope); // before anything is paid
        const hash = await deps.plans.save(plan);
        await deps.plans.saveRun({ runId: input.runId, plan: hash, startedAt: new Date().toISOString(), warnings: problems.warnings });
        await deps.plans.saveSettings(input.runId, input.settings ?? NO_SETTINGS);
        const renders = trainsHere(spec);
        if (renders) await keepNewData(deps, plan, scope);
        return {
          runId: input.runId,
          plan: hash,
          target: spec.target.model,
          generators: respond.generators,
          judges: judge.judges,
          samples: respond.samples,
          instructions: plan.shards.length === 0 ? 0 : extract.instructions,
          shards: plan.shards.length,
          shardSize,
          concurrentShards,
          tasks: trains(spec) ? spec.evaluate.tasks.map(({ task }) => task) : [],
          trainSteps: trains(spec) ? (fixedSteps(spec) ?? null) : null,
          costs: runCosts(spec),
          ...(noticeTargets(deps.env) === undefined ? {} : { notify: true as const }),
          ...servedOf(spec),
          ...(otherTasks(spec).length === 0 || !trains(spec) ? {} : { otherTasks: true as const }),
          ...(renders ? { renders: true as const } : {}),
          ...(modelsInUse(spec).some((name) => isBatched(modelOf(spec, name))) ? { batched: true as const } : {}),
          ...(spec.train.reportTo === undefined ? {} : { trackers: true as const }),
          ...(spec.budget === undefined ? {} : { budget: spec.budget }),
          training: spec.train.backend,
          ...(spec.train.backend === 'openai' ? { fineTuning: true as const } : {}), // for orchestration workers of release 0.1.0
          ...(plan.keys.filter === undefined ? {} : { filter: { fetchDocuments: Object.keys(plan.keys.documents ?? {}).length > 0 } }),
          ...earlyOutline(plan),
          ...(plan.keys.holdOut === undefined || spec.until === 'replay' ? {} : { holdOut: true as const }),
          ...(plan.prompts === undefined ? {} : { ownAnswers: ownAnswersOutlines(plan) }),
          ...(spec.until === undefined ? {} : { until: spec.until }),
          variants: workingVariants(spec).map((variant) => outlineOf(spec, variant)),
        };
      });
    },

    /** Keeps what was set on a run, for a `resume` after the run has ended. */
    async saveSettings({ runId, settings }: { readonly runId: string; readonly settings: RunSettings }): Promise<void> {
      await runActivity(deps, async () => await deps.plans.saveSettings(validateRunId(runId), settings));
    },
  };
}

/** What the run has read when it was started before: the date stays what it was, and what cannot be reached now is known. */
async function templatesOfEarlierStart({ plans }: ActivityDeps, runId: string): Promise<NonNullable<ContentIdentities['templates']>> {
  const record = await plans.findRun(runId);
  if (record === undefined) return {};
  return (await plans.load(record.plan).catch(() => undefined))?.content.templates ?? {};
}

/** Whether workers train on the new data: not where a provider does, nor where the official model is only measured. */
function trainsHere(spec: RunSpec): boolean {
  return trains(spec) && spec.train.backend === 'trl' && variantsOf(spec).some(({ replay }) => replay !== null);
}

function outlineOf(spec: RunSpec, variant: Variant): VariantOutline {
  const { name, replay, train } = variant;
  return {
    name,
    replay: replay?.kind ?? null,
    ...(replay?.kind === 'interpolate' ? { after: replay.of } : {}),
    ...(train === undefined ? {} : { trainSteps: fixedSteps(specOf(spec, variant)) ?? null }),
  };
}

function servedOf(spec: RunSpec): Pick<RunOutline, 'served'> {
  const served = modelsInUse(spec).filter((name) => spec.models[name]?.serve !== undefined);
  return served.length === 0 ? {} : { served };
}
