import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a check wants of the file that makes a stage output exist. */
export interface StoredManifest {
  readonly rows: { readonly file: string; readonly sha256: string; readonly rows: number };
  readonly failures: { readonly rows: number };
  readonly stats: {
    readonly requests: number;
    readonly promptTokens: number;
    readonly completionTokens: number;
    readonly transient: Readonly<Record<string, number>>;
  };
}

/**
 * The manifest of an output, of the newest version of its rows. Read without the code that writes it.
 * @param folder of the output in the store
 * @returns undefined where the output is not there, or not finished
 */
export async function readManifest(folder: string): Promise<StoredManifest | undefined> {
  const versions = (await namesIn(folder)).flatMap((name) => /^manifest-v(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
  if (versions.length === 0) return undefined;
  return JSON.parse(await readFile(join(folder, `manifest-v${Math.max(...versions)}.json`), 'utf8')) as StoredManifest;
}

/** Names in a folder, sorted; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
