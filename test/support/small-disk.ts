import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import fs, { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DISK_BYTES = 8 << 20;
const CHUNK_BYTES = 64 << 10;

/**
 * A disk of its own that can be filled and made read-only: a real tmpfs where this user may mount one. Elsewhere the calls
 * that write fail as they do on such a disk.
 */
export class SmallDisk {
  readonly folder = mkdtempSync(join(tmpdir(), 'rehearse-disk-'));
  readonly isReal: boolean;
  private readonly restores: (() => void)[] = [];

  constructor() {
    this.isReal = mount(['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', this.folder]);
  }

  /** Until {@link free} nothing more can be written. */
  async fill(): Promise<void> {
    if (!this.isReal) {
      await this.failWrites();
      return;
    }
    try {
      for (let number = 0; ; number++) writeFileSync(join(this.folder, `ballast-${number}`), Buffer.alloc(CHUNK_BYTES));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  free(): void {
    for (const restore of this.restores.splice(0)) restore();
    if (this.isReal) {
      for (let number = 0; number <= DISK_BYTES / CHUNK_BYTES; number++) rmSync(join(this.folder, `ballast-${number}`), { force: true });
    }
  }

  /** @throws Error when a real disk is in use for writing */
  setReadOnly(readOnly: boolean): void {
    if (!this.isReal) {
      this.free();
      if (readOnly) this.failChanges();
      return;
    }
    if (!mount(['-o', `remount,${readOnly ? 'ro' : 'rw'}`, this.folder])) throw new Error(`${this.folder} could not be remounted`);
  }

  remove(): void {
    this.free();
    if (this.isReal) spawnSync('umount', ['--lazy', this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private failChanges(): void {
    for (const name of ['mkdir', 'open', 'rename', 'link'] as const) {
      const spy = jest
        .spyOn(fs, name)
        .mockRejectedValue(Object.assign(new Error(`EROFS: read-only file system, ${name}`), { code: 'EROFS' }));
      this.restores.push(() => spy.mockRestore());
    }
  }

  private async failWrites(): Promise<void> {
    const file = await open(join(this.folder, 'probe'), 'w');
    const prototype = Object.getPrototypeOf(file) as FileHandle;
    await file.close();
    for (const name of ['appendFile', 'writeFile', 'write', 'writev'] as const) {
      const spy = jest.spyOn(prototype, name).mockImplementation(async () => {
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      });
      this.restores.push(() => spy.mockRestore());
    }
  }
}

function mount(args: readonly string[]): boolean {
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
}
