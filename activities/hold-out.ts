import type { PlanRef } from '../contract/run';
import { HELD_OUT_SETS, holdOut, type HeldOutRow, type HeldOutSet } from '../method/hold-out';
import type { Conversation } from '../method/records';
import { conversationOf } from '../method/selection';
import { noCalls } from '../services/store/stage-store';
import { type StageAddress } from '../stages/address';
import { addresses, type RunPlan } from '../stages/run-plan';
import { ROWS_VERSIONS } from '../stages/stage-keys';
import { heldOutTable, replayTable } from '../stages/tables';
import type { ActivityDeps } from './deps';
import { firstResponses } from './first-responses';
import { newConversations } from './mixture-base';
import { instructionInputs } from './read-instructions';
import { readStage } from './read-stage';
import { runActivity } from './run-activity';

/** How many conversations of each set are kept back; kept with them. */
export type HoldOutDetail = Readonly<Record<HeldOutSet, number>>;

/** Rows that no variant is trained on, the same for all of them: on these the loss is measured. */
export function createHoldOutActivities(deps: ActivityDeps) {
  const { stages } = deps;

  /** Rows of the method's replay set, and the target's own first answers to the same instructions where it answers at all. */
  async function fromReplay(plan: RunPlan, count: number): Promise<HeldOutRow[]> {
    const all: Conversation[] = [];
    for (const shard of plan.shards) {
      all.push(...(await readStage(stages, addresses.select(plan, shard), ROWS_VERSIONS.select, replayTable)).map(conversationOf));
    }
    const replay = holdOut({ rows: all, count, name: 'replay', seed: plan.spec.seed });
    const ids = new Set(replay.map(({ id }) => id));
    const own: Conversation[] = [];
    for (const shard of answersItself(plan) ? plan.shards : []) {
      own.push(...(await firstResponses(stages, plan, shard)).filter(({ id }) => ids.has(id)));
    }
    return [...replay.map(ofSet('replay')), ...own.map(ofSet('own'))];
  }

  return {
    async holdOut(input: PlanRef): Promise<HoldOutDetail> {
      return await runActivity(deps, async () => {
        const plan = await deps.plans.load(input.plan);
        const { seed, mix } = plan.spec;
        const address = addresses.holdOut(plan);
        const finished = await stages.find(address, ROWS_VERSIONS.holdout);
        if (finished !== undefined) return finished.detail as HoldOutDetail;

        const startedAt = new Date().toISOString();
        const { replay = 0, new: fresh = 0 } = mix.holdOut ?? {};
        const rows = [
          ...(replay > 0 ? await fromReplay(plan, replay) : []),
          ...(fresh > 0 ? holdOut({ rows: await newConversations(plan), count: fresh, name: 'new', seed }).map(ofSet('new')) : []),
        ];
        const detail = Object.fromEntries(
          HELD_OUT_SETS.map((name) => [name, rows.filter(({ set }) => set === name).length]),
        ) as HoldOutDetail;
        const manifest = await stages.commit(address, ROWS_VERSIONS.holdout, heldOutTable, {
          rows,
          failures: [],
          stats: noCalls(startedAt),
          detail,
          inputs: replay > 0 ? inputsOf(plan) : [],
        });
        return manifest.detail as HoldOutDetail;
      });
    },
  };
}

function answersItself({ spec }: RunPlan): boolean {
  return spec.synthesis.respond.generators.includes(spec.target.model);
}

function inputsOf(plan: RunPlan): StageAddress[] {
  const own = answersItself(plan);
  return plan.shards.flatMap((shard) => [
    addresses.select(plan, shard),
    ...(own ? [...instructionInputs(plan, shard), addresses.respond(plan, shard, plan.spec.target.model)] : []),
  ]);
}

function ofSet(set: HeldOutSet): (row: Conversation) => HeldOutRow {
  return (row) => ({ set, ...row });
}
