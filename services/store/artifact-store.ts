import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { fileSystemError, type FileWork } from './storage-errors';

/** A file as a listing of the store tells of it. */
export interface FileOfStore {
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number;
}

/**
 * Where stage outputs lie: a directory, or a bucket. Paths are relative, with forward slashes. Writes are atomic and
 * durable: a reader sees the whole file or none, also after a power loss.
 *
 * Every method throws StorageUnavailableError when the disk or the object store fails.
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
  /** Every file below a folder, in no order; those that vanish meanwhile are left out. */
  files(folder: string): AsyncIterable<FileOfStore>;
  /** Removes a file or a folder with all it holds; nothing happens when it is not there. */
  remove(path: string): Promise<void>;
  /** Stores a file of this machine, as a stream: for files that are too large for memory. */
  upload(path: string, file: string): Promise<void>;
  /** Copies a stored file to this machine, as a stream, in place of what is there; false when there is none. */
  download(path: string, file: string): Promise<boolean>;
  /** Where a path lies, for people: an absolute path, or a URL. */
  location(path: string): string;
}

const SAFE_SEGMENT = /^[A-Za-z0-9@+_-][A-Za-z0-9@+._-]*$/;

/** An {@link ArtifactStore} in a local (or network-mounted) directory. */
export class LocalArtifactStore implements ArtifactStore {
  private readonly root: string;

  constructor(options: { readonly root: string }) {
    this.root = resolve(options.root);
  }

  location(path: string): string {
    return pathInside(this.root, path);
  }

  async read(path: string): Promise<Buffer | undefined> {
    const file = this.location(path);
    return await named({ doing: 'read', path: file }, async () => await orUndefined(readFile(file)));
  }

  async write(path: string, data: Uint8Array | string): Promise<void> {
    const target = this.location(path);
    await named(
      { doing: 'written', path: target },
      async () => await replaceFile(target, async (temporary) => await writeDurably(temporary, data)),
    );
  }

  async create(path: string, data: Uint8Array | string): Promise<boolean> {
    const target = this.location(path);
    return await named({ doing: 'written', path: target }, async () => {
      await makeFolder(dirname(target));
      const temporary = temporaryName(target);
      try {
        await writeDurably(temporary, data);
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
    });
  }

  async list(folder: string): Promise<string[]> {
    const path = this.location(folder);
    return await named({ doing: 'listed', path }, async () => ((await orUndefined(readdir(path))) ?? []).sort());
  }

  async *files(folder: string): AsyncIterable<FileOfStore> {
    yield* filesBelow(this.location(folder), folder);
  }

  async remove(path: string): Promise<void> {
    const target = this.location(path);
    await named({ doing: 'removed', path: target }, async () => await rm(target, { recursive: true, force: true }));
  }

  async upload(path: string, file: string): Promise<void> {
    const target = this.location(path);
    if (resolve(file) === target) return; // made where it is kept
    await named(
      { doing: 'written', path: target },
      async () => await replaceFile(target, async (temporary) => await copyDurably(file, temporary)),
    );
  }

  async download(path: string, file: string): Promise<boolean> {
    const source = this.location(path);
    if (!(await exists(source))) return false;
    if (resolve(file) === source) return true;
    await named(
      { doing: 'written', path: file },
      async () => await replaceFile(file, async (temporary) => await copyDurably(source, temporary)),
    );
    return true;
  }
}

async function* filesBelow(folder: string, path: string): AsyncIterable<FileOfStore> {
  const entries = await named(
    { doing: 'listed', path: folder },
    async () => (await orUndefined(readdir(folder, { withFileTypes: true }))) ?? [],
  );
  for (const entry of entries) {
    const inside = { file: join(folder, entry.name), path: `${path}/${entry.name}` };
    if (entry.isDirectory()) yield* filesBelow(inside.file, inside.path);
    else {
      const found = await orUndefined(lstat(inside.file));
      if (found !== undefined) yield { path: inside.path, bytes: found.size, modifiedMs: found.mtimeMs };
    }
  }
}

/**
 * Absolute path of a store's path under a directory.
 * @throws Error when it has other characters than a store's paths, or leaves the directory
 */
export function pathInside(root: string, path: string): string {
  const full = join(root, ...segmentsOf(path));
  if (!full.startsWith(root + sep)) throw new Error(`artifact path "${path}" leaves the store`);
  return full;
}

/** A store's path, cut at its slashes. @throws Error when a name is not allowed */
export function segmentsOf(path: string): string[] {
  const segments = path.split('/');
  if (!segments.every((segment) => SAFE_SEGMENT.test(segment))) {
    throw new Error(`artifact path "${path}" is not allowed: names may hold letters, digits and @ + . _ - only`);
  }
  return segments;
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

/** Puts a file that `make` writes under another name in the place of `target`, whole or not at all. */
export async function replaceFile(target: string, make: (temporary: string) => Promise<void>): Promise<void> {
  await makeFolder(dirname(target));
  const temporary = temporaryName(target);
  try {
    await make(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to tell
    throw error;
  }
  await syncFolder(dirname(target));
}

function temporaryName(target: string): string {
  return `${target}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
}

async function writeDurably(path: string, data: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(data);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function copyDurably(source: string, target: string): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_EXCL);
  await syncFile(target);
}

/** Returns once a file's content is on disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Makes a folder and its parents, durably: each new entry is synced into the folder that holds it. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await makeMissing(resolve(folder));
  if (first === undefined) return;
  const top = dirname(first);
  let parent = dirname(resolve(folder));
  while (parent !== top) {
    await syncFolder(parent);
    parent = dirname(parent);
  }
  await syncFolder(top);
}

/** Returns the topmost folder that was made. */
async function makeMissing(folder: string): Promise<string | undefined> {
  try {
    return await mkdir(folder, { recursive: true });
  } catch (error) {
    if (!isMissing(error) || (error as NodeJS.ErrnoException).code === 'ENOTDIR') throw error;
    // On a read-only file system a recursive mkdir says ENOENT (Node 20); a plain one says what is wrong.
    let top = folder;
    while (!(await exists(dirname(top)))) top = dirname(top);
    await mkdir(top);
    await mkdir(folder, { recursive: true });
    return top;
  }
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

/** Lets a file system's error say which file of the store it is about. */
async function named<T>(work: FileWork, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw fileSystemError(error, work);
  }
}

async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
