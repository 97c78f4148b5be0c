import { join } from 'node:path';
import { LocalArtifactStore, type ArtifactStore } from './artifact-store';
import { dataDir } from './local/paths';
import { PlanStore } from './plan-store';
import { StageStore } from './stage-store';

export interface OpenStore {
  readonly store: ArtifactStore;
  readonly stages: StageStore;
  readonly plans: PlanStore;
}

/** The artifact store in `store/` of the data folder (REHEARSE_HOME, or .rehearse in the project). */
export function openStore(root = join(dataDir(), 'store')): OpenStore {
  const store = new LocalArtifactStore({ root });
  return { store, stages: new StageStore(store), plans: new PlanStore(store) };
}
