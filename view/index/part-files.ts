import { join } from 'node:path';
import { exists, type ArtifactStore } from '../../services/store/artifact-store';
import { fileSha256 } from '../../services/store/file-hash';
import type { StoredFile } from '../../services/store/stage-manifest';
import type { StageManifest, StageStore } from '../../services/store/stage-store';

/** A stored file as a path of this machine that DuckDB can read, its checksum looked at. */
export type PartFiles = (manifest: StageManifest, stored: Pick<StoredFile, 'file' | 'sha256'>) => Promise<string>;

/** A file of the store is not what its manifest says. */
export class DamagedPartError extends Error {
  override readonly name = 'DamagedPartError';
}

interface PartFilesOptions {
  readonly store: ArtifactStore;
  readonly stages: StageStore;
  /** Whether the store is a directory of this machine: its files are read where they lie. */
  readonly isFolder: boolean;
  /** Where files of a bucket are kept, below their path in the store. */
  readonly cache: string;
}

/** Files of a directory are read where they lie; those of a bucket come through its client into a cache, once. */
export function partFiles({ store, stages, isFolder, cache }: PartFilesOptions): PartFiles {
  /** Paths whose content was looked at by this process: names hold the hash, and no file is written twice. */
  const whole = new Set<string>();
  return async (manifest, { file, sha256 }) => {
    const path = `${stages.folder(manifest)}/${file}`;
    const local = isFolder ? store.location(path) : join(cache, ...path.split('/'));
    if (whole.has(local) && (await exists(local))) return local;
    if (!isFolder && !(await isWhole(local, sha256))) await store.download(path, local);
    if (!(await isWhole(local, sha256))) {
      throw new DamagedPartError(`${store.location(path)} is missing or damaged: its checksum does not match its manifest`);
    }
    whole.add(local);
    return local;
  };
}

async function isWhole(path: string, sha256: string): Promise<boolean> {
  return (await exists(path)) && (await fileSha256(path)) === sha256;
}
