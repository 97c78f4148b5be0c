import type { HoldOutOutcome } from '../contract/outcomes';
import type { PlanRef } from '../contract/run';
import { holdOut, type HeldOutRow, type HeldOutSet } from '../method/hold-out';
import type { Conversation } from '../method/records';
import { conversationOf } from '../method/selection';
import { detailOf } from '../services/store/stored-output';
import { replaySetOutput } from '../stages/chain';
import { instructionOutputs } from '../stages/filter';
import { holdOutStage } from '../stages/hold-out';
import { respondStage } from '../stages/respond';
import { type RunPlan } from '../stages/run-plan';
import type { OutputRef } from '../stages/stage';
import type { ActivityDeps } from './deps';
import { firstResponses } from './first-responses';
import { newConversations } from './new-data';
import { runActivity } from './run-activity';

/** Rows that no variant is trained on, the same for all of them: on these the loss is measured. */
export function createHoldOutActivities(deps: ActivityDeps) {
  const { stages } = deps;

  /** Rows of the method's replay set, and the target's own first answers to the same instructions where it answers at all. */
  async function fromReplay(plan: RunPlan, count: number): Promise<HeldOutRow[]> {
    const all: Conversation[] = [];
    for (const shard of plan.shards) {
      all.push(...(await stages.inputRows(replaySetOutput(plan, shard))).map(conversationOf));
    }
    const replay = holdOut({ rows: all, count, name: 'replay', seed: plan.spec.seed });
    const ids = new Set(replay.map(({ id }) => id));
    const own: Conversation[] = [];
    for (const shard of answersItself(plan) ? plan.shards : []) {
      own.push(...(await firstResponses(stages, plan, shard, { thoughts: false })).filter(({ id }) => ids.has(id)));
    }
    return [...replay.map(ofSet('replay')), ...own.map(ofSet('own'))];
  }

  return {
    async holdOut(input: PlanRef): Promise<HoldOutOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const { seed, mix } = plan.spec;
        const heldOut = await stages.findOrMake(holdOutStage.at(plan), async () => {
          const { replay = 0, new: fresh = 0 } = mix.holdOut ?? {};
          const rows = [
            ...(replay > 0 ? await fromReplay(plan, replay) : []),
            ...(fresh > 0
              ? holdOut({ rows: await newConversations(deps, plan, scope), count: fresh, name: 'new', seed }).map(ofSet('new'))
              : []),
          ];
          const countOf = (name: HeldOutSet): number => rows.filter(({ set }) => set === name).length;
          return {
            rows,
            detail: { replay: countOf('replay'), own: countOf('own'), new: countOf('new') },
            inputs: replay > 0 ? inputsOf(plan) : [],
          };
        });
        return detailOf(heldOut);
      });
    },
  };
}

function answersItself({ spec }: RunPlan): boolean {
  return spec.synthesis.respond.generators.includes(spec.target.model);
}

function inputsOf(plan: RunPlan): OutputRef[] {
  const own = answersItself(plan);
  return plan.shards.flatMap((shard) => [
    replaySetOutput(plan, shard),
    ...(own ? [...instructionOutputs(plan, shard), respondStage.at(plan, shard, plan.spec.target.model)] : []),
  ]);
}

function ofSet(set: HeldOutSet): (row: Conversation) => HeldOutRow {
  return (row) => ({ set, ...row });
}
