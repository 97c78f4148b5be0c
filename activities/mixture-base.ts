import type { HeldOutRow, HeldOutSet } from '../method/hold-out';
import { MethodError } from '../method/method-error';
import { planMixture, type MixturePlan } from '../method/mixture';
import type { Conversation } from '../method/records';
import { readConversations } from '../services/data/conversations';
import { fileSha256 } from '../services/store/file-hash';
import type { StageStore } from '../services/store/stage-store';
import { replaySetOutput } from '../stages/chain';
import { holdOutStage } from '../stages/hold-out';
import { type RunPlan } from '../stages/run-plan';
import type { OutputRef } from '../stages/stage';

/** What every mixture of a run starts from. */
export interface MixtureBase {
  /** The mixture of the method's replay set: the budget of all variants. */
  readonly plan: MixturePlan;
  /** New data that may be trained on. */
  readonly fresh: readonly Conversation[];
  /** Held-out instructions: no answer to them may be trained on. */
  readonly heldOut: ReadonlySet<string>;
  /** The outputs that it was computed from. */
  readonly inputs: readonly OutputRef[];
}

/**
 * The method's own mixture, in numbers, and the new data, without what is held out. Reads the selections' manifests, not their rows.
 * @throws MethodError when the new data has changed since the run was planned; InputLostError when an input is missing
 */
export async function mixtureBase(stages: StageStore, plan: RunPlan): Promise<MixtureBase> {
  const { newShare, maxExamples } = plan.spec.mix;
  const selections = plan.shards.map((shard) => replaySetOutput(plan, shard));
  let selected = 0;
  for (const selection of selections) {
    selected += (await stages.input(selection)).manifest.rows.rows;
  }
  const heldOutOutputs = plan.keys.holdOut === undefined ? [] : [holdOutStage.at(plan)];
  const rows = (await Promise.all(heldOutOutputs.map(async (output) => await stages.inputRows(output)))).flat();
  const heldOut = idsOf(rows, 'replay');
  const heldOutNew = idsOf(rows, 'new');
  const fresh = (await newConversations(plan)).filter(({ id }) => !heldOutNew.has(id));
  return {
    plan: planMixture({
      replayAvailable: selected - heldOut.size,
      newAvailable: fresh.length,
      newShare,
      limit: maxExamples,
      onShortage: 'shrink-new',
    }),
    fresh,
    heldOut,
    inputs: [...selections, ...heldOutOutputs],
  };
}

/** All new data. @throws MethodError when it has changed since the run was planned */
export async function newConversations({ spec, content }: RunPlan): Promise<Conversation[]> {
  const { newData } = spec.mix;
  if ((await fileSha256(newData)) !== content.newData) {
    throw new MethodError(`${newData} has changed since the run began; start the run again to plan it with the new content`);
  }
  return await readConversations(newData);
}

function idsOf(rows: readonly HeldOutRow[], name: HeldOutSet): Set<string> {
  return new Set(rows.filter(({ set }) => set === name).map(({ id }) => id));
}
