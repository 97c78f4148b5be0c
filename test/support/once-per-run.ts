import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * A text that all test files of a run share: the first that asks makes it, whoever asks meanwhile waits for that one. Outside a run of
 * jest each process makes its own.
 * @param name of the file that holds it
 * @throws what `make` throws, to the one that makes it; the next one tries again
 */
export async function oncePerRun(name: string, make: () => Promise<string>): Promise<string> {
  const folder = process.env['REHEARSE_TEST_RUN'];
  if (folder === undefined) return await make();
  const file = join(folder, name);
  const lock = `${file}.lock`;
  while (!existsSync(file)) {
    if (!taken(lock)) {
      await sleep(POLL_MS);
      continue;
    }
    try {
      if (existsSync(file)) break; // made between the look and the lock
      writeFileSync(`${file}.new`, await make());
      renameSync(`${file}.new`, file);
    } finally {
      rmdirSync(lock);
    }
  }
  return readFileSync(file, 'utf8');
}

/** Takes a lock that is free. */
function taken(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
