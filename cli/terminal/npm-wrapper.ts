import { basename } from 'node:path';
import { commandOf, parentOf } from '../../services/local/process-identity';

const POLL_MS = 500;
const WRAPPERS: readonly string[] = ['npm', 'npx', 'npm-cli.js', 'npx-cli.js', 'pnpm', 'pnpm.cjs', 'yarn', 'yarn.js'];
/** Of a command line, in which the interpreter comes first. */
const WORDS_LOOKED_AT = 3;

/**
 * Calls back once when the npm that started this process (`npx`, `npm run`), or the shell between the two, has ended. npm hands a SIGTERM
 * to its shell alone, which ends without handing it on (npm 11 with dash). Does nothing where npm did not start this process.
 */
export function onWrapperEnd(ended: () => void): void {
  const parent = process.ppid;
  const above = parentOf(parent);
  const npm = [parent, above].find((pid) => pid !== undefined && pid > 1 && isWrapper(pid));
  if (npm === undefined) return;
  const timer = setInterval(() => {
    if (process.ppid === parent && exists(npm)) return;
    clearInterval(timer);
    ended();
  }, POLL_MS);
  timer.unref();
}

function isWrapper(pid: number): boolean {
  return commandOf(pid)
    .slice(0, WORDS_LOOKED_AT)
    .some((word) => WRAPPERS.includes(basename(word)));
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
