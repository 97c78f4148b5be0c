import type { ShardBatch, BatchOutcome } from '../contract/batches';
import { judgmentItems } from '../services/batches/steps/judgment';
import { extractStage } from '../stages/extract';
import { judgeStage } from '../stages/judge';
import { respondStage } from '../stages/respond';
import type { ActivityDeps } from './deps';
import { runLlmBatch } from './llm-batch';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

/** Step 3: one judge's scores of one generator's responses in a shard. */
export function createJudgeActivities(deps: ActivityDeps) {
  return {
    async judgeShard(input: ShardBatch & { readonly generator: string; readonly judge: string }): Promise<BatchOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const shard = shardOf(plan, input.shard);
        const instructions = extractStage.at(plan, shard);
        const responses = respondStage.at(plan, shard, input.generator);
        return await runLlmBatch(deps, scope, {
          plan,
          given: input,
          output: judgeStage.at(plan, shard, input.judge, input.generator),
          model: input.judge,
          inputs: [instructions, responses],
          items: async () => ({
            items: judgmentItems(
              plan.spec,
              input.judge,
              input.generator,
              { instructions: await deps.stages.inputRows(instructions), responses: await deps.stages.inputRows(responses) },
              plan.content.templates,
            ),
          }),
        });
      });
    },
  };
}
