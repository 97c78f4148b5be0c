import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';

/**
 * Where stage outputs lie. Paths are relative, with forward slashes. Writes are atomic and durable: a reader sees
 * the whole file or none, also after a power loss.
 */
export interface ArtifactStore {
  /** The file's bytes, or undefined when there is none. */
  read(path: string): Promise<Buffer | undefined>;
  /** Writes or replaces a file. */
  write(path: string, data: Uint8Array | string): Promise<void>;
  /** Writes a file that must not exist yet; false, and nothing written, when it does. */
  create(path: string, data: Uint8Array | string): Promise<boolean>;
  /** Names of the entries of a folder, sorted; empty when there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Removes a file or a folder with all it holds; nothing happens when it is not there. */
  remove(path: string): Promise<void>;
  /** Absolute path on this machine, for programs that need files (trainer, journal). */
  localPath(path: string): string;
}

const SAFE_SEGMENT = /^[A-Za-z0-9@+_-][A-Za-z0-9@+._-]*$/;

/** An {@link ArtifactStore} in a local (or network-mounted) directory. */
export class LocalArtifactStore implements ArtifactStore {
  private readonly root: string;

  constructor(options: { readonly root: string }) {
    this.root = resolve(options.root);
  }

  localPath(path: string): string {
    const segments = path.split('/');
    if (!segments.every((segment) => SAFE_SEGMENT.test(segment))) {
      throw new Error(`artifact path "${path}" is not allowed: names may hold letters, digits and @ + . _ - only`);
    }
    const full = join(this.root, ...segments);
    if (!full.startsWith(this.root + sep)) throw new Error(`artifact path "${path}" leaves the store`);
    return full;
  }

  async read(path: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.localPath(path));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async write(path: string, data: Uint8Array | string): Promise<void> {
    const target = this.localPath(path);
    const temporary = await writeTemporary(target, data);
    await rename(temporary, target);
    await syncFolder(dirname(target));
  }

  async create(path: string, data: Uint8Array | string): Promise<boolean> {
    const target = this.localPath(path);
    const temporary = await writeTemporary(target, data);
    try {
      // link(2) fails when the name is taken, so of two writers exactly one wins.
      await link(temporary, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
    await syncFolder(dirname(target));
    return true;
  }

  async list(folder: string): Promise<string[]> {
    try {
      return (await readdir(this.localPath(folder))).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async remove(path: string): Promise<void> {
    await rm(this.localPath(path), { recursive: true, force: true });
  }
}

/** Lower-case hex SHA-256 of some bytes. */
export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Whether a file or folder is there. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function writeTemporary(target: string, data: Uint8Array | string): Promise<string> {
  await makeFolder(dirname(target));
  const temporary = `${target}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
  const file = await open(temporary, 'wx');
  try {
    await file.writeFile(data);
    await file.datasync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return temporary;
}

/** Makes a folder and its parents, durably: each new entry is synced into the folder that holds it. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(resolve(folder), { recursive: true });
  if (first === undefined) return;
  const top = dirname(first);
  let parent = dirname(resolve(folder));
  while (parent !== top) {
    await syncFolder(parent);
    parent = dirname(parent);
  }
  await syncFolder(top);
}

/** A new, renamed or linked file is durable only once its folder is synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
