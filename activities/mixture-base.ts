import { planMixture, type Conversation, type MixturePlan } from '../method/mixture';
import { MethodError } from '../method/method-error';
import { fileSha256 } from '../services/content-identities';
import { readConversations } from '../services/conversations';
import { addresses, type RunPlan } from '../services/run-plan';
import { ROWS_VERSIONS } from '../services/stage-keys';
import type { StageAddress, StageStore } from '../services/stage-store';
import { inputManifest } from './read-stage';

/** What every mixture of a run starts from. */
export interface MixtureBase {
  /** The mixture of the method's replay set: the budget of all variants. */
  readonly plan: MixturePlan;
  readonly fresh: readonly Conversation[];
  /** The outputs that it was computed from. */
  readonly selections: readonly StageAddress[];
}

/**
 * The method's own mixture, in numbers, and the new data. Reads the selections' manifests, not their rows.
 * @throws MethodError when the new data has changed since the run was planned; InputLostError when a selection is missing
 */
export async function mixtureBase(stages: StageStore, plan: RunPlan): Promise<MixtureBase> {
  const { newData, newShare, maxExamples } = plan.spec.mix;
  const selections = plan.shards.map((shard) => addresses.select(plan, shard));
  let replayAvailable = 0;
  for (const selection of selections) {
    replayAvailable += (await inputManifest(stages, selection, ROWS_VERSIONS.select)).rows.rows;
  }
  if ((await fileSha256(newData)) !== plan.content.newData) {
    throw new MethodError(`${newData} has changed since the run began; start the run again to plan it with the new content`);
  }
  const fresh = await readConversations(newData);
  return {
    plan: planMixture({ replayAvailable, newAvailable: fresh.length, newShare, limit: maxExamples, onShortage: 'shrink-new' }),
    fresh,
    selections,
  };
}
