import type { ShardBatch, BatchOutcome } from '../contract/batches';
import { judgmentItems } from '../services/batches/steps/judgment';
import { addresses } from '../stages/run-plan';
import { ROWS_VERSIONS } from '../stages/stage-keys';
import { instructionTable, judgmentTable, responseTable } from '../stages/tables';
import type { ActivityDeps } from './deps';
import { runLlmBatch } from './llm-batch';
import { readStage } from './read-stage';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

/** Step 3: one judge's scores of one generator's responses in a shard. */
export function createJudgeActivities(deps: ActivityDeps) {
  return {
    async judgeShard(input: ShardBatch & { readonly generator: string; readonly judge: string }): Promise<BatchOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const shard = shardOf(plan, input.shard);
        const instructions = addresses.extract(plan, shard);
        const responses = addresses.respond(plan, shard, input.generator);
        return await runLlmBatch(deps, scope, {
          stage: 'judge',
          plan,
          given: input,
          address: addresses.judge(plan, shard, input.judge, input.generator),
          model: input.judge,
          table: judgmentTable,
          inputs: [instructions, responses],
          items: async () => ({
            items: judgmentItems(plan.spec, input.judge, input.generator, {
              instructions: await readStage(deps.stages, instructions, ROWS_VERSIONS.extract, instructionTable),
              responses: await readStage(deps.stages, responses, ROWS_VERSIONS.respond, responseTable),
            }),
          }),
        });
      });
    },
  };
}
