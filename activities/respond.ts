import type { ShardBatch, StageOutcome } from '../workflows/types';
import { addresses } from '../services/run-plan';
import { ROWS_VERSIONS } from '../services/stage-keys';
import { responseItems } from '../services/steps/response';
import { instructionTable, responseTable } from '../services/tables';
import type { ActivityDeps } from './deps';
import { runLlmBatch } from './llm-batch';
import { readStage } from './read-stage';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

/** Step 2: one generator's responses to the instructions of a shard. */
export function createRespondActivities(deps: ActivityDeps) {
  return {
    async respondShard(input: ShardBatch & { readonly generator: string }): Promise<StageOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const shard = shardOf(plan, input.shard);
        const instructions = addresses.extract(plan, shard);
        return await runLlmBatch(deps, scope, {
          stage: 'respond',
          plan,
          given: input,
          address: addresses.respond(plan, shard, input.generator),
          model: input.generator,
          table: responseTable,
          inputs: [instructions],
          items: async () => ({
            items: responseItems(plan.spec, input.generator, await readStage(deps.stages, instructions, ROWS_VERSIONS.extract, instructionTable)),
          }),
        });
      });
    },
  };
}
