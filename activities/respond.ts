import type { ShardBatch, BatchOutcome } from '../contract/batches';
import { responseItems } from '../services/batches/steps/response';
import { instructionOutputs } from '../stages/filter';
import { respondStage } from '../stages/respond';
import type { ActivityDeps } from './deps';
import { runLlmBatch } from './llm-batch';
import { readInstructions } from './read-instructions';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

/** Step 2: one generator's responses to the instructions of a shard. */
export function createRespondActivities(deps: ActivityDeps) {
  return {
    async respondShard(input: ShardBatch & { readonly generator: string }): Promise<BatchOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const shard = shardOf(plan, input.shard);
        return await runLlmBatch(deps, scope, {
          plan,
          given: input,
          output: respondStage.at(plan, shard, input.generator),
          model: input.generator,
          inputs: instructionOutputs(plan, shard),
          items: async () => ({
            items: responseItems(plan.spec, input.generator, await readInstructions(deps.stages, plan, shard), plan.content.templates),
          }),
        });
      });
    },
  };
}
