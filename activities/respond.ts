import type { ShardBatch, BatchOutcome } from '../contract/batches';
import type { Response } from '../method/records';
import { responseItems } from '../services/batches/steps/response';
import { instructionOutputs } from '../stages/filter';
import { planOf } from '../stages/own-answers-plan';
import type { Shard } from '../stages/planned';
import { respondStage } from '../stages/respond';
import type { RunPlan } from '../stages/run-plan';
import type { ActivityDeps } from './deps';
import { runLlmBatch, type PlannedBatch } from './llm-batch';
import { readInstructions } from './read-instructions';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

/** Step 2: one generator's responses to the instructions of a shard. */
export function createRespondActivities(deps: ActivityDeps) {
  return {
    async respondShard(input: ShardBatch & { readonly generator: string }): Promise<BatchOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = planOf(await deps.plans.load(input.plan), input.own);
        const shard = shardOf(plan, input.shard);
        return await runLlmBatch(deps, scope, { ...responseBatch(deps, plan, shard, input.generator), runId: input.runId, given: input });
      });
    },
  };
}

/** One generator's responses to the instructions of a shard, as a batch of calls. */
export function responseBatch(
  { stages }: Pick<ActivityDeps, 'stages'>,
  plan: RunPlan,
  shard: Shard,
  generator: string,
): PlannedBatch<Response> {
  return {
    plan,
    output: respondStage.at(plan, shard, generator),
    model: generator,
    inputs: instructionOutputs(plan, shard),
    items: async () => ({
      items: responseItems(plan.spec, generator, await readInstructions(stages, plan, shard), plan.content.templates),
    }),
  };
}
