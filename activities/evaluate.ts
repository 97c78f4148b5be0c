import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import type { PlanRef } from '../workflows/types';
import { weightsOf } from '../config/spec-fine-tuning';
import { NO_CALLS } from '../method/cost';
import { MethodError } from '../method/method-error';
import { sampleRows } from '../services/evaluation-samples';
import { evaluateResultSchema, taskResultSchema, type EvaluateResult } from '../services/python-protocol';
import { addresses, type RunPlan } from '../services/run-plan';
import { ROWS_VERSIONS } from '../services/stage-keys';
import { CHECKPOINT_FOLDER, fetchFiles } from '../services/stage-files';
import { noCalls } from '../services/stage-store';
import { heldOutTable, sampleTable, type SampleRow } from '../services/tables';
import type { ActivityDeps } from './deps';
import { lossRequests, readLosses } from './held-out-losses';
import { inputManifest, readStage } from './read-stage';
import { runActivity } from './run-activity';

export interface EvaluateOutcome {
  /** Task to its primary score, 0 to 1. */
  readonly scores: Readonly<Record<string, number>>;
  /** Mean of the tasks' normalised scores, 0 to 100. */
  readonly average: number;
  /** Mean loss a token (nats) on each set that was kept back; absent where nothing was. */
  readonly losses?: Readonly<Record<string, number>>;
}

/** Until evaluation knows models behind an API. */
const NOT_MEASURED = 'a model that its provider has trained cannot be evaluated here yet; its id is in the training output, see docs/closed-weights.md';

/** The leaderboard's tasks, and the loss on what was kept back, on the official weights or on a variant's checkpoint. Finished tasks are not repeated. */
export function createEvaluateActivities(deps: ActivityDeps) {
  const { stages } = deps;

  /** Folder of the trained model on this machine, each file as it was stored. */
  async function checkpoint(plan: RunPlan, variant: string): Promise<string> {
    const training = addresses.train(plan, variant);
    const manifest = await inputManifest(stages, training, ROWS_VERSIONS.train);
    return await fetchFiles(deps, stages.folder(training), CHECKPOINT_FOLDER, manifest);
  }

  return {
    async evaluateVariant(input: PlanRef & { readonly variant: string }): Promise<EvaluateOutcome> {
      return await runActivity(deps, async ({ stop, heartbeat }) => {
        const plan = await deps.plans.load(input.plan);
        const { evaluate, target, train, seed } = plan.spec;
        if (train.backend === 'openai') throw new MethodError(NOT_MEASURED);
        const address = addresses.evaluate(plan, input.variant);
        const finished = await stages.find(address, ROWS_VERSIONS.evaluate);
        if (finished !== undefined) return outcomeOf(finished.detail as EvaluateResult);

        const startedAt = new Date().toISOString();
        const official = input.variant === 'official';
        const weights = official ? (await deps.weights.resolve(weightsOf(plan.spec), target.revision)).path : await checkpoint(plan, input.variant);
        const outputDir = deps.workspace.path(`${stages.folder(address)}/job`);
        const heldOut = plan.keys.holdOut === undefined ? [] : [addresses.holdOut(plan)];
        const rows = (await Promise.all(heldOut.map(async (each) => await readStage(stages, each, ROWS_VERSIONS.holdout, heldOutTable)))).flat();
        const losses = await lossRequests(rows, { folder: deps.workspace.path(`${stages.folder(address)}/held-out`), maxLength: train.maxLength });
        const result = await deps.python.run({
          command: 'evaluate',
          resultSchema: evaluateResultSchema,
          stop,
          onEvent: (event) => {
            if (event.type !== 'progress') return;
            heartbeat({
              stage: 'evaluate', model: input.variant, part: 'all', done: event.done, total: event.total, ...NO_CALLS, note: event.phase,
            });
          },
          spec: {
            weights, revision: official ? (target.revision ?? null) : null, outputDir, seed,
            tasks: evaluate.tasks.map(({ task, data, limit, numFewshot, maxGenToks }) => ({
              task, data: data ?? null, limit: limit ?? null, numFewshot: numFewshot ?? null, maxGenToks: maxGenToks ?? null,
            })),
            ...(losses.length === 0 ? {} : { losses }), batchSize: evaluate.batchSize, dtype: evaluate.dtype, threads: evaluate.threads ?? null,
          },
        });
        await stages.commit(address, ROWS_VERSIONS.evaluate, sampleTable, {
          rows: (await Promise.all(result.tasks.map(({ task }) => readSamples(join(outputDir, 'tasks', `${task}.json`))))).flat(),
          failures: [],
          stats: noCalls(startedAt),
          detail: result,
          ...(losses.length === 0 ? {} : { losses: await readLosses(result) }),
          inputs: [...heldOut, ...(official ? [] : [addresses.train(plan, input.variant)])],
        });
        return outcomeOf(result);
      });
    },
  };
}

async function readSamples(path: string): Promise<SampleRow[]> {
  return sampleRows(taskResultSchema.parse(JSON.parse(await readFile(path, 'utf8'))));
}

function outcomeOf(result: EvaluateResult): EvaluateOutcome {
  return {
    scores: Object.fromEntries(result.tasks.map(({ task, primary }) => [task, primary.value])),
    average: result.average,
    ...(result.losses === undefined ? {} : { losses: Object.fromEntries(result.losses.map(({ name, loss }) => [name, loss])) }),
  };
}
