import { baseRow } from '../config/own-answers';
import type { HeldOutRow, HeldOutSet } from '../method/hold-out';
import { instructionId } from '../method/ids';
import { planMixture, type MixturePlan } from '../method/mixture';
import type { Conversation } from '../method/records';
import type { StageStore } from '../services/store/stage-store';
import { replaySetOutput } from '../stages/chain';
import { holdOutStage } from '../stages/hold-out';
import { newDataStage } from '../stages/new-data';
import { type RunPlan } from '../stages/run-plan';
import type { OutputRef } from '../stages/stage';
import { newConversations, type NewDataDeps } from './new-data';
import { ownConversations } from './own-conversations';
import type { ActivityScope } from './run-activity';

/** What every mixture of a run starts from. */
export interface MixtureBase {
  /** The mixture of the method's replay set: the budget of all variants. */
  readonly plan: MixturePlan;
  /** New data that may be trained on. */
  readonly fresh: readonly Conversation[];
  /** Held-out instructions: no answer to them may be trained on. */
  readonly heldOut: ReadonlySet<string>;
  /** Rows that `mix.exclude` names, with the reasons. */
  readonly excluded: ReadonlyMap<string, string>;
  /** New data among them that could else be trained on. */
  readonly excludedNew: readonly string[];
  /** The outputs that it was computed from. */
  readonly inputs: readonly OutputRef[];
}

/**
 * The method's own mixture, in numbers, and the new data, without what is held out. Reads the selections' manifests, and
 * rows only of those that hold an excluded one.
 * @throws MethodError when the new data has changed since the run was planned; InputLostError when an input is missing
 */
export async function mixtureBase(deps: NewDataDeps, plan: RunPlan, scope: ActivityScope): Promise<MixtureBase> {
  const { stages } = deps;
  const { newShare, maxExamples } = plan.spec.mix;
  const excluded = new Map((plan.content.excluded ?? []).map(({ id, reason }) => [id, reason]));
  const { selected, selections } = await replayRows(stages, plan, excluded);
  const heldOutOutputs = plan.keys.holdOut === undefined ? [] : [holdOutStage.at(plan)];
  const rows = (await Promise.all(heldOutOutputs.map(async (output) => await stages.inputRows(output)))).flat();
  const heldOut = idsOf(rows, 'replay');
  const heldOutNew = idsOf(rows, 'new');
  const usable = (await newConversations(deps, plan, scope)).filter(({ id }) => !heldOutNew.has(id));
  const fresh = usable.filter(({ id }) => !excluded.has(id));
  return {
    plan: planMixture({
      replayAvailable: selected - heldOut.size - (await excludedReplay(stages, plan, excluded, heldOut)),
      newAvailable: fresh.length,
      newShare,
      limit: maxExamples,
      onShortage: 'shrink-new',
    }),
    fresh,
    heldOut,
    excluded,
    excludedNew: [...new Set(usable.map(({ id }) => id))].filter((id) => excluded.has(id)),
    inputs: [...selections, ...(plan.keys.newData === undefined ? [] : [newDataStage.at(plan)]), ...heldOutOutputs],
  };
}

/** Rows of the set that says how much is mixed: the method's, or the first own answers where there is none. */
async function replayRows(
  stages: StageStore,
  plan: RunPlan,
  excluded: ReadonlyMap<string, string>,
): Promise<{ readonly selected: number; readonly selections: readonly OutputRef[] }> {
  const base = baseRow(plan.spec);
  if (base !== undefined) {
    const { rows, inputs } = await ownConversations(stages, plan, base.name);
    return { selected: rows.filter(({ id }) => !excluded.has(id)).length, selections: inputs };
  }
  const selections = plan.shards.map((shard) => replaySetOutput(plan, shard));
  let selected = 0;
  for (const selection of selections) selected += (await stages.input(selection)).manifest.rows.rows;
  return { selected, selections };
}

/** How many rows of the method's replay set are excluded that could else be trained on; own answers are counted without them. */
async function excludedReplay(
  stages: StageStore,
  plan: RunPlan,
  excluded: ReadonlyMap<string, string>,
  heldOut: ReadonlySet<string>,
): Promise<number> {
  if (baseRow(plan.spec) !== undefined) return 0;
  let count = 0;
  for (const shard of plan.shards) {
    const [first, last] = [instructionId(shard.start), instructionId(shard.end - 1)];
    if (![...excluded.keys()].some((id) => id >= first && id <= last)) continue;
    const rows = await stages.inputRows(replaySetOutput(plan, shard));
    count += rows.filter(({ instructionId: id }) => excluded.has(id) && !heldOut.has(id)).length;
  }
  return count;
}

function idsOf(rows: readonly HeldOutRow[], name: HeldOutSet): Set<string> {
  return new Set(rows.filter(({ set }) => set === name).map(({ id }) => id));
}
