import { randomBytes } from 'node:crypto';
import { readdir, rename, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { exists, type ArtifactStore } from './artifact-store';
import { fileSha256 } from './file-hash';
import { damagedFile, type OutputFile, type StageManifest } from './stage-store';
import { fileSystemError } from './storage-errors';
import type { Workspace } from './workspace';

/** Where a training leaves the model, below its output's folder. */
export const CHECKPOINT_FOLDER = 'job/checkpoint';

export interface StagePlaces {
  readonly store: ArtifactStore;
  readonly workspace: Workspace;
}

/**
 * Stores the files that a program made in a folder of this machine, such as a checkpoint, with their hashes.
 * @param output the output's folder in the store
 * @param folder path below it, in the workspace as in the store
 */
export async function storeFiles({ store, workspace }: StagePlaces, output: string, folder: string): Promise<OutputFile[]> {
  const root = workspace.path(output);
  const base = workspace.path(`${output}/${folder}`);
  try {
    const entries = await readdir(base, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    const files: OutputFile[] = [];
    for (const path of paths) {
      const file = relative(root, path).split(sep).join('/');
      files.push({ file, sha256: await fileSha256(path), bytes: (await stat(path)).size });
      await store.upload(`${output}/${file}`, path);
    }
    return files;
  } catch (error) {
    throw fileSystemError(error, { doing: 'read', path: base });
  }
}

/**
 * Makes an output's files be on this machine, whole: those that are here are checked, others fetched. What is damaged is
 * renamed, so that no program takes it for good.
 * @param folder path below the output's folder in which all of them lie
 * @returns the folder's absolute path
 * @throws CorruptArtifactError when one is gone, or not what was stored
 */
export async function fetchFiles(
  { store, workspace }: StagePlaces,
  output: string,
  folder: string,
  manifest: StageManifest,
): Promise<string> {
  const base = workspace.path(`${output}/${folder}`);
  for (const { file, sha256 } of manifest.files ?? []) {
    const path = `${output}/${file}`;
    const local = workspace.path(path);
    const isWhole = async (): Promise<boolean> => (await exists(local)) && (await fileSha256(local)) === sha256;
    if (await isWhole()) continue;
    if (!workspace.isStore && (await store.download(path, local)) && (await isWhole())) continue;
    const missing = !(await exists(local));
    if (await exists(base)) await rename(base, `${base}.corrupt-${randomBytes(4).toString('hex')}`);
    throw damagedFile(
      manifest,
      path,
      `${store.location(path)} is ${missing ? 'missing' : 'damaged: its checksum does not match its manifest'}`,
    );
  }
  return base;
}
