import { selectionRules } from '../config/selection-rules';
import type { BatchOutcome } from '../contract/batches';
import type { PlanRef } from '../contract/run';
import { byInstruction } from '../method/by-instruction';
import type { Failure, ReplayRow } from '../method/records';
import { isCut, selectBest } from '../method/selection';
import { settledJudgments } from '../method/skipped';
import type { StageStore } from '../services/store/stage-store';
import { instructionOutputs } from '../stages/filter';
import { judgmentOutputs } from '../stages/judge-keys';
import { planOf } from '../stages/own-answers-plan';
import { type Shard } from '../stages/planned';
import { respondStage } from '../stages/respond';
import { type RunPlan } from '../stages/run-plan';
import { selectStage } from '../stages/select';
import type { ActivityDeps } from './deps';
import { outcomeOf } from './llm-batch';
import { readInstructions } from './read-instructions';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

/** Best mean score wins: the replay set's part of a shard. */
export function createSelectActivities(deps: ActivityDeps) {
  return {
    async selectShard(input: PlanRef & { readonly shard: number }): Promise<BatchOutcome> {
      return await runActivity(deps, async () => {
        const plan = planOf(await deps.plans.load(input.plan), input.own);
        return await selectResponses(deps.stages, plan, shardOf(plan, input.shard));
      });
    },
  };
}

/** Chooses the best response to each instruction of a shard from what is stored. @throws InputLostError when an input is not there */
export async function selectResponses(stages: StageStore, plan: RunPlan, shard: Shard): Promise<BatchOutcome> {
  const { respond, judge, select } = plan.spec.synthesis;
  const { manifest, reused } = await stages.findOrMake(selectStage.at(plan, shard), async () => {
    const from = {
      respond: respond.generators.map((generator) => respondStage.at(plan, shard, generator)),
      judge: judge.judges.flatMap((name) => respond.generators.flatMap((generator) => judgmentOutputs(plan, shard, name, generator))),
    };
    const responses = byInstruction((await Promise.all(from.respond.map(async (each) => await stages.inputRows(each)))).flat());
    const judgments = byInstruction(
      settledJudgments((await Promise.all(from.judge.map(async (each) => await stages.inputRows(each)))).flat()),
    );
    const rows: ReplayRow[] = [];
    const failures: Failure[] = [];
    let ties = 0;
    for (const instruction of await readInstructions(stages, plan, shard)) {
      const result = selectBest({
        instruction,
        responses: responses.get(instruction.id) ?? [],
        judgments: judgments.get(instruction.id) ?? [],
        judges: judge.judges,
        expectedResponses: respond.generators.length * respond.samples,
        ...selectionRules(select, judge.judges.length),
        seed: plan.spec.seed,
      });
      if ('replay' in result) {
        rows.push(result.replay);
        if (result.tied) ties++;
      } else {
        failures.push(result.lost);
      }
    }
    return {
      rows,
      failures,
      detail: { ties, cut: rows.filter(isCut).length },
      inputs: [...instructionOutputs(plan, shard), ...from.respond, ...from.judge],
    };
  });
  return outcomeOf(manifest, { reused });
}
