import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StorageUnavailableError } from '../store/storage-errors';

/** Room for the lines of many calls: a disk that takes this much is not full by a hair any more. */
const PROBE_BYTES = 256 << 10;

/**
 * What the journals of one process share. Once one of them could not keep a line, no batch of the process sends anything more,
 * until a journal is opened on a disk that takes lines again. So a storage fault costs the calls in flight at most; and while the
 * process lives not even those: it holds their lines, and the next opening of their journal writes them.
 */
export class WriteGuard {
  private fault: StorageUnavailableError | undefined;
  private readonly held = new Map<string, string[]>();

  /** @throws StorageUnavailableError while a line could not be kept */
  check(): void {
    if (this.fault !== undefined) throw this.fault;
  }

  /** A journal could not write these lines. @param folder the journal's */
  failed(folder: string, lines: readonly string[], fault: StorageUnavailableError): void {
    this.fault ??= fault;
    this.held.set(folder, [...(this.held.get(folder) ?? []), ...lines]);
  }

  /** Lines that an earlier opening of this journal, in this process, could not write. */
  heldFor(folder: string): readonly string[] {
    return this.held.get(folder) ?? [];
  }

  /** Returns when nothing has failed, or when the disk takes more than a line again. @throws the file system's error */
  async probe(folder: string): Promise<void> {
    if (this.fault === undefined) return;
    const path = join(folder, `probe-${randomBytes(4).toString('hex')}`);
    try {
      const file = await open(path, 'wx');
      try {
        await file.writeFile(Buffer.alloc(PROBE_BYTES));
        await file.datasync();
      } finally {
        await file.close();
      }
    } finally {
      await rm(path, { force: true });
    }
  }

  /** A journal was opened, and what was held for it is on disk. */
  opened(folder: string): void {
    this.held.delete(folder);
    this.fault = undefined;
  }
}
