import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../store/artifact-store';
import type { Workspace } from '../store/workspace';
import { Journal } from './journal';
import { JournalContents } from './journal-contents';
import { FIRST_LINE } from './journal-lines';
import { WriteGuard } from './write-guard';

/**
 * Journals of outputs that are not finished. They are written to this machine's disk, since an object store has no append. Where
 * the store is not this disk, a batch that ends unfinished leaves its segments in the store, and the next attempt, which may run
 * on another machine, reads them from there.
 */
export class JournalStore {
  private readonly guard = new WriteGuard();

  constructor(
    private readonly store: ArtifactStore,
    private readonly workspace: Workspace,
  ) {}

  /** Opens the journal of an output with all calls of earlier attempts, from this disk and the store. @param output its folder in the store */
  async open(output: string): Promise<Journal> {
    return await Journal.open(await this.fetched(output), this.guard);
  }

  /** Reads the same without opening it: whoever works on the output is not disturbed. */
  async look(output: string): Promise<JournalContents> {
    const local = await this.fetched(output);
    await mkdir(local, { recursive: true });
    return await JournalContents.read(local);
  }

  /** Folder of a journal on this disk, with what attempts on other machines have left in the store. */
  private async fetched(output: string): Promise<string> {
    const folder = journalFolder(output);
    const local = this.workspace.path(folder);
    if (!this.workspace.isStore) {
      await mkdir(local, { recursive: true });
      const known = new Set(await readdir(local));
      const left = (await this.store.list(folder)).filter((name) => !known.has(name));
      await Promise.all(left.map(async (name) => await this.store.download(`${folder}/${name}`, join(local, name))));
    }
    return local;
  }

  /** Whether anything was ever written for an output, on this disk or in the store. */
  async hasAny(output: string): Promise<boolean> {
    if ((await this.store.list(output)).length > 0) return true;
    return !this.workspace.isStore && existsSync(this.workspace.path(journalFolder(output)));
  }

  /** Closes the journal of an unfinished batch, and leaves its calls where another machine finds them. */
  async leave(output: string, journal: Journal): Promise<void> {
    await journal.close();
    if (this.workspace.isStore) return;
    const folder = journalFolder(output);
    const local = this.workspace.path(folder);
    const stored = new Set(await this.store.list(folder));
    for (const name of await readdir(local)) {
      const file = join(local, name);
      if (stored.has(name) || (await stat(file)).size <= FIRST_LINE.length) continue;
      await this.store.upload(`${folder}/${name}`, file);
    }
  }

  /** Removes a journal whose calls are stored with the finished output. */
  async drop(output: string, journal: Journal): Promise<void> {
    await journal.drop();
    if (!this.workspace.isStore) await this.store.remove(journalFolder(output));
  }
}

function journalFolder(output: string): string {
  return `${output}/journal`;
}
