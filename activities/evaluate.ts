import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { weightsOf } from '../config/fine-tuning';
import type { EvaluateTask } from '../config/spec';
import type { TaskOutcome } from '../contract/outcomes';
import { type HeartbeatDetails, EVALUATION_REQUESTS, evaluationRow } from '../contract/progress';
import type { EvaluatedModel, PlanRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import { MethodError } from '../method/method-error';
import { evaluationIdentity } from '../services/data/evaluation-identity';
import { taskResultSchema, type PythonEvent, TASKS_FOLDER, TASKS_PHASE } from '../services/python/python-protocol';
import { CHECKPOINT_FOLDER, storeFiles } from '../services/store/stage-files';
import { detailOf } from '../services/store/stored-output';
import { sampleRows } from '../services/training/evaluation-samples';
import { modelSha256 } from '../services/training/model-identity';
import { evaluateTaskStage, type TaskDetail } from '../stages/evaluate-task';
import { taskScoreSchema } from '../stages/python-results';
import { type RunPlan } from '../stages/run-plan';
import { templateDate } from '../stages/template-date';
import { trainStage } from '../stages/train';
import type { ActivityDeps } from './deps';
import { evaluatedModel, hashesFile, servedIdentity } from './evaluated-weights';
import { askedThinking, pythonTask } from './evaluation-job';
import { runActivity } from './run-activity';

/** Tasks of lm-evaluation-harness on the official weights or on a variant's checkpoint, each an activity of its own. */
export function createEvaluateActivities(deps: ActivityDeps) {
  const { stages, workspace } = deps;

  return {
    /** Says what a variant's model is by its content. The official weights are hashed again: they may have changed in their place. */
    async identifyModel(input: PlanRef & { readonly variant: string }): Promise<EvaluatedModel> {
      return await runActivity(deps, async ({ stop, heartbeat }) => {
        const plan = await deps.plans.load(input.plan);
        const { evaluate } = plan.spec;
        // Who is asked through an API is who the endpoint says it is.
        if (evaluate.backend === 'openai') return { sha256: await servedIdentity(deps, plan, input.variant) };
        if (input.variant !== 'official') {
          const { files } = (await stages.input(trainStage.at(plan, input.variant))).manifest;
          return { sha256: modelSha256(files ?? [], CHECKPOINT_FOLDER) };
        }
        const { target } = plan.spec;
        const { sha256, revision } = await deps.python.run({
          command: 'weights',
          stop,
          onEvent: (event) => {
            if (event.type === 'progress') {
              heartbeat({
                stage: 'evaluate',
                model: input.variant,
                part: 'all',
                done: event.done,
                total: event.total,
                ...NO_CALLS,
                note: event.phase,
              });
            }
          },
          spec: {
            weights: (await deps.weights.resolve(weightsOf(plan.spec), target.revision)).path,
            revision: target.revision ?? null,
            hashes: hashesFile(deps),
            outputDir: workspace.path(`weights/${plan.keys.variants[input.variant]?.evaluate ?? 'official'}`),
          },
        });
        return { sha256, ...(revision === null ? {} : { revision }) };
      });
    },

    /** Goes on within the task: answers that are there are not asked for again. */
    async evaluateTask(
      input: PlanRef & { readonly variant: string; readonly task: string; readonly model: EvaluatedModel },
    ): Promise<TaskOutcome> {
      return await runActivity(deps, async ({ stop, heartbeat }) => {
        const { variant, task, model } = input;
        const plan = await deps.plans.load(input.plan);
        const output = evaluateTaskStage.at(plan, task, model.sha256);
        const folder = stages.folder(output.address);
        const evaluated = await stages.findOrMake(output, async () => {
          const { evaluate, seed } = plan.spec;
          const outputDir = workspace.path(`${folder}/job`);
          const { versions } = await deps.python.run({
            command: 'evaluate',
            stop,
            onEvent: (event) => {
              const details = evaluateHeartbeat(event, variant, task);
              if (details !== undefined) heartbeat(details);
            },
            spec: {
              ...(await evaluatedModel(deps, { plan, variant, model })),
              outputDir,
              seed,
              tasks: [pythonTask(await plannedTask(plan, task))],
              batchSize: evaluate.batchSize,
              dtype: evaluate.dtype,
              threads: evaluate.threads ?? null,
              ...askedThinking(evaluate),
              ...templateDate(plan),
            },
          });
          const result = taskResultSchema.parse(JSON.parse(await readFile(join(outputDir, TASKS_FOLDER, `${task}.json`), 'utf8')));
          const { samples: _samples, ...score } = result;
          return {
            rows: sampleRows(result),
            detail: { score: taskScoreSchema.parse(score), versions },
            files: await storeFiles(deps, folder, `job/${TASKS_FOLDER}`),
            inputs: [],
          };
        });
        return outcomeOf(detailOf(evaluated));
      });
    },
  };
}

/** The spec's task; its local documents must be those that the run was planned with. */
async function plannedTask({ spec, content }: RunPlan, name: string): Promise<EvaluateTask> {
  const index = spec.evaluate.tasks.findIndex(({ task }) => task === name);
  const found = spec.evaluate.tasks[index];
  if (found === undefined) throw new Error(`evaluate.tasks has no "${name}"; a validated spec cannot come here`);
  if ((await evaluationIdentity(found)) !== content.evaluation[index]) {
    throw new MethodError(
      `the evaluation data of ${name} has changed since the run began; start the run again to plan it with the new content`,
    );
  }
  return found;
}

function outcomeOf({ score: { task, primary, documents } }: TaskDetail): TaskOutcome {
  return { task, metric: primary.name, score: primary.value, documents };
}

/** A progress event as a heartbeat; other events say nothing new. */
function evaluateHeartbeat(event: PythonEvent, variant: string, task: string): HeartbeatDetails | undefined {
  if (event.type !== 'progress' || event.phase === TASKS_PHASE) return undefined;
  return {
    stage: 'evaluate',
    model: evaluationRow(variant, task),
    part: 'all',
    done: event.done,
    total: event.total,
    ...NO_CALLS,
    note: event.phase === task ? EVALUATION_REQUESTS : event.phase,
  };
}
