import { statfs } from 'node:fs/promises';
import { existingFolder } from '../local/paths';
import { parseStorePlace } from '../store/store-place';
import { storePlace } from './open-store';

/** Room on the disk of a store. */
export interface StoreDisk {
  readonly path: string;
  /** That this user may still use. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** The disk of the store; null where it is a bucket, or cannot be looked at. */
export async function storeDisk(env: NodeJS.ProcessEnv = process.env): Promise<StoreDisk | null> {
  const place = parseStorePlace(storePlace(env));
  if (!('folder' in place)) return null;
  try {
    const { bavail, blocks, bsize } = await statfs(existingFolder(place.folder));
    return { path: place.folder, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return null; // what else is known of the run is shown all the same
  }
}
