import type { ArtifactStore } from '../../services/store/artifact-store';
import type { StageManifest, StageStore } from '../../services/store/stage-store';
import type { StageAddress } from '../../stages/address';
import { byStageOrder, shardOutputs } from '../../stages/chain';
import type { RunPlan } from '../../stages/run-plan';

/** A shard, and what the store has of it. */
export interface ShardState {
  readonly shard: number;
  /** Outputs that are there. */
  readonly outputs: readonly StageAddress[];
  /** Another one as soon as any of them is another. */
  readonly signature: string;
}

/** A run's planned outputs of all shards. */
export function plannedParts(plan: RunPlan): number {
  return plan.shards.reduce((sum, shard) => sum + shardOutputs(plan, shard).length, 0);
}

/** What the store has of each shard: one listing a stage key, and no file is read. */
export async function shardStates(store: ArtifactStore, plan: RunPlan): Promise<ShardState[]> {
  const planned = plan.shards.map((shard) => ({ shard: shard.index, outputs: shardOutputs(plan, shard).map(({ address }) => address) }));
  const folders = new Set(planned.flatMap(({ outputs }) => outputs.map(({ stage, key }) => `stages/${stage}/${key}`)));
  const manifests = new Map<string, string>();
  for (const folder of folders) {
    for await (const { path, bytes, modifiedMs } of store.files(folder)) {
      const part = /^(.*)\/(manifest-v\d+\.json)$/.exec(path);
      if (part !== null) manifests.set(part[1]!, `${manifests.get(part[1]!) ?? ''}${part[2]} ${bytes} ${Math.round(modifiedMs)}\n`);
    }
  }
  return planned.map(({ shard, outputs }) => {
    const there = outputs.filter((address) => manifests.has(folderOf(address)));
    return {
      shard,
      outputs: there,
      signature: there.map((address) => `${folderOf(address)} ${manifests.get(folderOf(address))}`).join(''),
    };
  });
}

/** The newest manifests of a shard's outputs, in the order of the method. */
export async function shardManifests(stages: StageStore, { outputs }: ShardState): Promise<StageManifest[]> {
  const found = await Promise.all(outputs.map(async (address) => await stages.latestManifest(address)));
  return found.filter((manifest) => manifest !== undefined).sort((a, b) => byStageOrder(a.stage, b.stage));
}

function folderOf({ stage, key, part }: StageAddress): string {
  return `stages/${stage}/${key}/${part}`;
}
