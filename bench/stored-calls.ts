import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn, readManifest, type StoredManifest } from './stored-manifest';

/** What a store holds of its one run. */
export interface StoreSnapshot {
  /** Calls on disk: of finished outputs, and whole lines of journals. */
  readonly calls: number;
  /** Content of each finished output's rows, by `stage/key/part`. */
  readonly outputs: ReadonlyMap<string, string>;
  /** By stage: what its finished outputs say of themselves. */
  readonly stages: Readonly<Record<string, StageCounts>>;
}

/** Sums over the outputs of one stage. */
export interface StageCounts {
  readonly rows: number;
  readonly failures: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Tries that ended without an answer in time. */
  readonly timeouts: number;
}

/** Looks through a store, without the code that writes it. */
export async function readStoreSnapshot(store: string): Promise<StoreSnapshot> {
  const outputs = new Map<string, string>();
  const stages: Record<string, StageCounts> = {};
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
          stages[stage] = plus(stages[stage], manifest);
        }
      }
    }
  }
  return { calls, outputs, stages };
}

const NOTHING: StageCounts = { rows: 0, failures: 0, promptTokens: 0, completionTokens: 0, timeouts: 0 };

function plus({ rows, failures, promptTokens, completionTokens, timeouts }: StageCounts = NOTHING, more: StoredManifest): StageCounts {
  return {
    rows: rows + more.rows.rows,
    failures: failures + more.failures.rows,
    promptTokens: promptTokens + more.stats.promptTokens,
    completionTokens: completionTokens + more.stats.completionTokens,
    timeouts: timeouts + (more.stats.transient['timeout'] ?? 0),
  };
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
