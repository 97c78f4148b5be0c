import type { BatchOutcome, JudgeBatch } from '../contract/batches';
import type { Judgment } from '../method/records';
import { judgmentItems } from '../services/batches/steps/judgment';
import { instructionsOutput } from '../stages/filter';
import { judgeStage } from '../stages/judge';
import { siblingJudgments } from '../stages/judge-keys';
import { planOf } from '../stages/own-answers-plan';
import type { Shard } from '../stages/planned';
import { respondStage } from '../stages/respond';
import type { RunPlan } from '../stages/run-plan';
import type { ActivityDeps } from './deps';
import { runLlmBatch, type PlannedBatch } from './llm-batch';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';
import { whatToJudge } from './what-to-judge';

/** Step 3: one judge's scores of one generator's responses in a shard. */
export function createJudgeActivities(deps: ActivityDeps) {
  return {
    async judgeShard(input: JudgeBatch): Promise<BatchOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = planOf(await deps.plans.load(input.plan), input.own);
        const batch = judgmentBatch(deps, plan, shardOf(plan, input.shard), input);
        return await runLlmBatch(deps, scope, { ...batch, runId: input.runId, given: input });
      });
    },
  };
}

/** One judge's scores of one generator's responses in a shard, as a batch of calls. */
export function judgmentBatch(
  { stages }: Pick<ActivityDeps, 'stages'>,
  plan: RunPlan,
  shard: Shard,
  pair: Pick<JudgeBatch, 'judge' | 'generator' | 'round'>,
): PlannedBatch<Judgment> {
  const { judge, generator, round } = pair;
  const instructions = instructionsOutput(plan, shard);
  const responses = respondStage.at(plan, shard, generator);
  const { inputs, read } = whatToJudge(stages, plan, shard, pair);
  return {
    plan,
    output: judgeStage.at(plan, shard, judge, generator, round),
    model: judge,
    inputs: [instructions, responses, ...inputs],
    callsFrom: siblingJudgments(plan, shard, judge, generator),
    items: async () => {
      const all = await stages.inputRows(responses);
      return {
        items: judgmentItems(
          plan.spec,
          judge,
          generator,
          { instructions: await stages.inputRows(instructions), ...(await read(all)) },
          plan.content.templates,
        ),
      };
    },
  };
}
