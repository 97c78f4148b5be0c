import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface DiskUsage {
  readonly bytes: number;
  readonly files: number;
  /** Of `bytes`, what lies in journals of outputs that are being made. */
  readonly journalBytes: number;
}

/** Apparent size of all files below a folder. Files that vanish meanwhile are left out: a run goes on beside it. */
export async function diskUsage(folder: string, inJournal = false): Promise<DiskUsage> {
  const total = { bytes: 0, files: 0, journalBytes: 0 };
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const part = await diskUsage(path, inJournal || basename(path) === 'journal');
      total.bytes += part.bytes;
      total.files += part.files;
      total.journalBytes += part.journalBytes;
    } else {
      const size = await sizeOf(path);
      total.bytes += size;
      total.files++;
      if (inJournal) total.journalBytes += size;
    }
  }
  return total;
}

/** Size of a file; 0 when it is not there. */
export async function sizeOf(path: string): Promise<number> {
  return await orMissing(async () => (await stat(path)).size, 0);
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  return await orMissing(async () => await readdir(folder, { withFileTypes: true }), []);
}

async function orMissing<T>(read: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  }
}
