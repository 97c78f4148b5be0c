import { randomBytes } from 'node:crypto';
import type { ArtifactStore } from './artifact-store';
import { StorageUnavailableError } from './storage-errors';

/**
 * Tries what a run needs of its store: to write, to read back, to list, to remove, and that of two who create the same file
 * only one does. Before a run has cost anything.
 * @throws StorageUnavailableError in one sentence with the way out
 */
export async function checkStoreWorks(store: ArtifactStore): Promise<void> {
  const folder = `probe-${randomBytes(6).toString('hex')}`;
  const file = `${folder}/file`;
  const place = store.location(folder);
  try {
    if (!(await store.create(file, folder))) {
      throw new StorageUnavailableError(`${place} cannot be used: it says that a file that was never written is there; use another store`);
    }
    if (await store.create(file, 'another')) {
      throw new StorageUnavailableError(
        `${place} cannot be used: it ignores conditional puts (If-None-Match: *), so that two workers could write over each other; use an object store that supports them`,
      );
    }
    const back = (await store.read(file))?.toString('utf8');
    if (back !== folder || !(await store.list(folder)).includes('file')) {
      throw new StorageUnavailableError(
        `${place} cannot be used: it does not give back what was written; check the disk or the object store`,
      );
    }
  } finally {
    await store.remove(folder).catch(() => undefined); // the first error is the one to tell
  }
}
