import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn, readManifest } from './stored-manifest';

/** What a store holds of its one run. */
export interface StoreSnapshot {
  /** Calls on disk: of finished outputs, and whole lines of journals. */
  readonly calls: number;
  /** Content of each finished output's rows, by `stage/key/part`. */
  readonly outputs: ReadonlyMap<string, string>;
}

/** Looks through a store, without the code that writes it. */
export async function readStoreSnapshot(store: string): Promise<StoreSnapshot> {
  const outputs = new Map<string, string>();
  let calls = 0;
  for (const stage of await namesIn(join(store, 'stages'))) {
    for (const key of await namesIn(join(store, 'stages', stage))) {
      for (const part of await namesIn(join(store, 'stages', stage, key))) {
        const folder = join(store, 'stages', stage, key, part);
        const manifest = await readManifest(folder);
        if (manifest === undefined) {
          calls += await journalledCalls(join(folder, 'journal'));
        } else {
          calls += manifest.stats.requests;
          outputs.set(`${stage}/${key}/${part}`, manifest.rows.sha256);
        }
      }
    }
  }
  return { calls, outputs };
}

/** Different calls among the whole lines of a journal's segments. */
async function journalledCalls(folder: string): Promise<number> {
  const calls = new Set<string>();
  for (const segment of await namesIn(folder)) {
    const lines = (await readFile(join(folder, segment), 'utf8')).split('\n').slice(0, -1);
    for (const line of lines) {
      const { item, call, request } = JSON.parse(line) as { item?: string; call: number; request: string };
      if (item !== undefined) calls.add(`${item} ${call} ${request}`); // the other lines set money aside for a call
    }
  }
  return calls.size;
}
