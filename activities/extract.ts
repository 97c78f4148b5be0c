import type { ShardBatch, BatchOutcome } from '../contract/batches';
import { extractionItems } from '../services/batches/steps/extraction';
import { extractStage } from '../stages/extract';
import type { ActivityDeps } from './deps';
import { runLlmBatch } from './llm-batch';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

/** Step 1: sends the bare pre-query template until every instruction of the shard is written or given up. */
export function createExtractActivities(deps: ActivityDeps) {
  return {
    async extractShard(input: ShardBatch): Promise<BatchOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const shard = shardOf(plan, input.shard);
        return await runLlmBatch(deps, scope, {
          plan,
          given: input,
          output: extractStage.at(plan, shard),
          model: plan.spec.target.model,
          inputs: [],
          items: async () => ({ items: extractionItems(plan.spec, shard) }),
        });
      });
    },
  };
}
