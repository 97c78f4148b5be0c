import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process that is not taken for another that got the same number later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own form; compared, never read. */
  readonly started: string;
}

const STAT_STATE = 0;
const STAT_PARENT = 1;
const STAT_START_TIME = 19;

/** Identity of a live process, or undefined when there is none of this number (a zombie is none). */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      // The name in parentheses may hold blanks and parentheses itself; fields after it are numbered from state.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const started = fields[STAT_START_TIME];
      return started === undefined || fields[STAT_STATE] === 'Z' ? undefined : { pid, started };
    }
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return started === '' ? undefined : { pid, started };
  } catch {
    return undefined; // no such process
  }
}

/** Number of a live process's parent, or undefined when there is none of this number. */
export function parentOf(pid: number): number | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[STAT_PARENT]);
    }
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined; // no such process
  }
}

/** The words of a live process's command line, or of the title that it gave itself; empty when there is none of this number. */
export function commandOf(pid: number): readonly string[] {
  try {
    const text =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        : execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.split(/[\0\s]+/).filter((word) => word !== '');
  } catch {
    return []; // no such process
  }
}

/** Whether the very process that was identified still runs. */
export function isAlive({ pid, started }: ProcessIdentity): boolean {
  return identify(pid)?.started === started;
}

/** Identity of this process. */
export function identifySelf(): ProcessIdentity {
  const self = identify(process.pid);
  if (self === undefined) throw new Error(`cannot read the start time of process ${process.pid}: neither /proc nor ps tells`);
  return self;
}
