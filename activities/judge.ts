import type { ShardBatch, BatchOutcome } from '../contract/batches';
import type { Judgment } from '../method/records';
import { judgmentItems } from '../services/batches/steps/judgment';
import { extractStage } from '../stages/extract';
import { judgeStage } from '../stages/judge';
import type { Shard } from '../stages/planned';
import { respondStage } from '../stages/respond';
import type { RunPlan } from '../stages/run-plan';
import type { ActivityDeps } from './deps';
import { runLlmBatch, type PlannedBatch } from './llm-batch';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

/** Step 3: one judge's scores of one generator's responses in a shard. */
export function createJudgeActivities(deps: ActivityDeps) {
  return {
    async judgeShard(input: ShardBatch & { readonly generator: string; readonly judge: string }): Promise<BatchOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const batch = judgmentBatch(deps, plan, shardOf(plan, input.shard), input);
        return await runLlmBatch(deps, scope, { ...batch, given: input });
      });
    },
  };
}

/** One judge's scores of one generator's responses in a shard, as a batch of calls. */
export function judgmentBatch(
  { stages }: Pick<ActivityDeps, 'stages'>,
  plan: RunPlan,
  shard: Shard,
  { judge, generator }: { readonly judge: string; readonly generator: string },
): PlannedBatch<Judgment> {
  const instructions = extractStage.at(plan, shard);
  const responses = respondStage.at(plan, shard, generator);
  return {
    plan,
    output: judgeStage.at(plan, shard, judge, generator),
    model: judge,
    inputs: [instructions, responses],
    items: async () => ({
      items: judgmentItems(
        plan.spec,
        judge,
        generator,
        { instructions: await stages.inputRows(instructions), responses: await stages.inputRows(responses) },
        plan.content.templates,
      ),
    }),
  };
}
