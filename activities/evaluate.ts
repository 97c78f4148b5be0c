import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import type { PlanRef } from '../workflows/types';
import type { VariantName } from '../config/variants';
import { NO_CALLS } from '../method/cost';
import { evaluateResultSchema, taskResultSchema, type EvaluateResult, type SftResult } from '../services/python-protocol';
import { addresses } from '../services/run-plan';
import { ROWS_VERSIONS } from '../services/stage-keys';
import { noCalls } from '../services/stage-store';
import { sampleTable, type SampleRow } from '../services/tables';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

export interface EvaluateOutcome {
  /** Task to its primary score, 0 to 1. */
  readonly scores: Readonly<Record<string, number>>;
  /** Mean of the tasks' normalised scores, 0 to 100. */
  readonly average: number;
}

/** The leaderboard's tasks on the official weights or on a variant's checkpoint. Finished tasks are not repeated. */
export function createEvaluateActivities(deps: ActivityDeps) {
  const { stages, store } = deps;
  return {
    async evaluateVariant(input: PlanRef & { readonly variant: VariantName }): Promise<EvaluateOutcome> {
      const plan = await deps.plans.load(input.plan);
      const { evaluate, target, seed } = plan.spec;
      const address = addresses.evaluate(plan, input.variant);
      const finished = await stages.find(address, ROWS_VERSIONS.evaluate);
      if (finished !== undefined) return outcomeOf(finished.detail as EvaluateResult);

      return await runActivity(deps.draining, async ({ stop, heartbeat }) => {
        const startedAt = new Date().toISOString();
        const official = input.variant === 'official';
        const training = official ? undefined : await stages.find(addresses.train(plan), ROWS_VERSIONS.train);
        if (!official && training === undefined) throw new Error('the checkpoint to evaluate is missing; start the run again to train it anew');
        const weights = training === undefined
          ? (await deps.weights.resolve(target.weights, target.revision)).path
          : (training.detail as SftResult).checkpointDir;
        const outputDir = store.localPath(`${stages.folder(address)}/job`);
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
            batchSize: evaluate.batchSize, dtype: evaluate.dtype, threads: evaluate.threads ?? null,
          },
        });
        await stages.commit(address, ROWS_VERSIONS.evaluate, sampleTable, {
          rows: (await Promise.all(result.tasks.map(({ task }) => readSamples(join(outputDir, 'tasks', `${task}.json`))))).flat(),
          failures: [],
          stats: noCalls(startedAt),
          detail: result,
          inputs: official ? [] : [addresses.train(plan)],
        });
        return outcomeOf(result);
      });
    },
  };
}

async function readSamples(path: string): Promise<SampleRow[]> {
  const { task, samples } = taskResultSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  return samples.map(({ docId, docHash, promptHash, correct, score }) => ({ task, docId: String(docId), docHash, promptHash, correct, score }));
}

function outcomeOf(result: EvaluateResult): EvaluateOutcome {
  return { scores: Object.fromEntries(result.tasks.map(({ task, primary }) => [task, primary.value])), average: result.average };
}
