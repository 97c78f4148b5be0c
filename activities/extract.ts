import { modelOf } from '../config/models-in-use';
import type { ShardBatch, BatchOutcome } from '../contract/batches';
import type { Instruction } from '../method/records';
import { extractionItems } from '../services/batches/steps/extraction';
import { engineAt } from '../services/endpoints/engine';
import { extractStage } from '../stages/extract';
import type { Shard } from '../stages/planned';
import type { RunPlan } from '../stages/run-plan';
import type { ActivityDeps } from './deps';
import { runLlmBatch, type PlannedBatch } from './llm-batch';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

const ENGINE_TIMEOUT_MS = 30_000;

/** Step 1: sends the bare pre-query template until every instruction of the shard is written or given up. */
export function createExtractActivities(deps: ActivityDeps) {
  return {
    async extractShard(input: ShardBatch): Promise<BatchOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        return await runLlmBatch(deps, scope, {
          ...extractionBatch(deps, plan, shardOf(plan, input.shard)),
          runId: input.runId,
          given: input,
        });
      });
    },
  };
}

/** The instructions of a shard as a batch of calls. */
export function extractionBatch({ env }: Pick<ActivityDeps, 'env'>, plan: RunPlan, shard: Shard): PlannedBatch<Instruction> {
  const { model } = plan.spec.target;
  return {
    plan,
    output: extractStage.at(plan, shard),
    model,
    inputs: [],
    items: async () => {
      const engine = await engineAt({ name: model, model: modelOf(plan.spec, model), env, timeoutMs: ENGINE_TIMEOUT_MS });
      return { items: extractionItems(plan.spec, shard, { own: plan.content.templates, engine }) };
    },
  };
}
