import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock';
import type { SetupStep } from './setup-reporter';

const STAMP = '.complete';

/** First 12 hex digits of the SHA-256 over a file. */
export function contentKey(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12);
}

/**
 * Fills a folder once among all processes and clones: a stamp, written last, says that it is whole.
 * @param make fills the folder and returns what to report
 */
export async function makeOnce(folder: string, startStep: () => SetupStep, make: (step: SetupStep) => Promise<string>): Promise<void> {
  const stamp = join(folder, STAMP);
  if (existsSync(stamp)) return;
  const step = startStep();
  await withLock(
    `${folder}.lock`,
    async () => {
      if (existsSync(stamp)) {
        step.done(`${folder}, set up by another process`);
        return;
      }
      try {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder, { recursive: true });
        const message = await make(step);
        writeFileSync(stamp, '');
        step.done(message);
      } catch (error) {
        step.fail(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
        throw error;
      }
    },
    { onWait: (pid) => step.update(`process ${pid} is setting it up; waiting`) },
  );
}
