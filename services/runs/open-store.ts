import { join, resolve } from 'node:path';
import { Claims } from '../journal/claims';
import { JournalStore } from '../journal/journal-store';
import { dataDir } from '../local/paths';
import { LocalArtifactStore, type ArtifactStore } from '../store/artifact-store';
import { PlanStore } from '../store/plan-store';
import { StageStore } from '../store/stage-store';
import { parseStorePlace } from '../store/store-place';
import { Workspace } from '../store/workspace';

export interface OpenStore {
  readonly store: ArtifactStore;
  readonly workspace: Workspace;
  readonly stages: StageStore;
  readonly plans: PlanStore;
  readonly journals: JournalStore;
  readonly claims: Claims;
}

export interface OpenStoreOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Directory of this machine for journals, training and evaluation, where the store is no directory. */
  readonly workFolder?: string;
  /** How long an object store that does not answer is taken for one that soon will. */
  readonly rideOutMs?: number;
}

/** Where the store is: REHEARSE_STORE, or `store/` in the data folder (REHEARSE_HOME, or .rehearse in the project). */
export function storePlace(env: NodeJS.ProcessEnv = process.env): string {
  return env['REHEARSE_STORE'] || join(dataDir(env), 'store');
}

/**
 * Opens the store of runs; nothing is read or written yet.
 * @param place a directory, or s3://BUCKET/PREFIX
 * @throws StorePlaceError when it is neither
 */
export function openStore(
  place?: string,
  { env = process.env, workFolder = join(dataDir(env), 'work'), rideOutMs }: OpenStoreOptions = {},
): OpenStore {
  const where = parseStorePlace(place ?? storePlace(env));
  if ('folder' in where) {
    const root = resolve(where.folder);
    return assemble(new LocalArtifactStore({ root }), new Workspace({ root, isStore: true }));
  }
  // The SDK of S3 takes a third of a second to load: only who uses it pays.
  const { createS3Store } = require('../store/s3-client') as typeof import('../store/s3-client');
  return assemble(createS3Store(where, { env, rideOutMs }), new Workspace({ root: workFolder, isStore: false }));
}

function assemble(store: ArtifactStore, workspace: Workspace): OpenStore {
  return {
    store,
    workspace,
    stages: new StageStore(store),
    plans: new PlanStore(store),
    journals: new JournalStore(store, workspace),
    claims: new Claims(store),
  };
}
