import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from '../services/local/process-identity';

export interface StackProcessOptions {
  /** Name in tables, and of its log. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Its output is added here. */
  readonly logFile: string;
  /** It ends when its work is done, which is no failure. */
  readonly ends?: boolean;
  /** When it ends by itself, it is started again, as a supervisor would. */
  readonly restart?: boolean;
  /** Whether it belongs to the process group of this process, and dies with it; otherwise it has its own. */
  readonly sameGroup?: boolean;
}

/** Memory and processor time of one process, from /proc. */
export interface ProcessUsage {
  readonly rssBytes: number;
  /** Highest resident size since its start. */
  readonly peakRssBytes: number;
  readonly cpuSeconds: number;
}

const RESTART_AFTER_MS = 500;
const GONE_POLL_MS = 20;
const LOG_TAIL_CHARS = 1_500;
/** USER_HZ, the same on all Linux builds. */
const TICKS_PER_SECOND = 100;
const STAT_UTIME = 11;

/** A real process of a benchmark, which can be killed and started again. */
export class StackProcess {
  private child: ChildProcess | undefined;
  private exit: Promise<string> = Promise.resolve('not started');
  private expected = false;
  private earlierCpuSeconds = 0;
  private earlierPeakBytes = 0;
  private failed: ((error: Error) => void) | undefined;
  /** Rejects when the process ends although nobody asked it to. */
  readonly failure: Promise<never>;

  constructor(private readonly options: StackProcessOptions) {
    this.failure = new Promise((_, reject) => (this.failed = reject));
    this.failure.catch(() => undefined); // whoever waits for it sees it
  }

  get name(): string {
    return this.options.name;
  }

  get identity(): ProcessIdentity | undefined {
    return this.child?.pid === undefined ? undefined : identify(this.child.pid);
  }

  start(): void {
    const { command, args, env = process.env, logFile, sameGroup = false } = this.options;
    const log = openSync(logFile, 'a');
    // A group of its own: Ctrl-C comes to the benchmark, which ends what it started.
    const child = spawn(command, [...args], { env, stdio: ['ignore', log, log], detached: !sameGroup });
    closeSync(log);
    this.expected = this.options.ends === true;
    this.child = child;
    this.exit = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.exit.then((how) => {
      if (this.expected || this.child !== child) return;
      if (this.options.restart === true) setTimeout(() => this.expected || this.start(), RESTART_AFTER_MS);
      else this.failed?.(new Error(`${this.name} ended (${how}); its log ${logFile} ends with:\n${this.logTail()}`));
    });
  }

  /** Returns once it has ended, by itself or not, with its exit code or signal. */
  async ended(): Promise<string> {
    return await this.exit;
  }

  /** Stops it where it is, without telling it; it still holds its connections. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  /** Lets it go on; nothing happens to one that runs. */
  thaw(): void {
    if (this.child?.exitCode === null && this.child.signalCode === null) this.child.kill('SIGCONT');
  }

  /** `kill -9`; returns once it is gone. */
  async kill(): Promise<void> {
    this.remember();
    this.expected = true;
    this.child?.kill('SIGKILL');
    await this.exit;
  }

  /** SIGTERM, then waits until it has ended, or kills it. */
  async stop(timeoutMs = 10_000): Promise<void> {
    this.expected = true;
    this.child?.kill('SIGTERM');
    const timer = setTimeout(() => this.child?.kill('SIGKILL'), timeoutMs);
    await this.exit;
    clearTimeout(timer);
  }

  /** Now, with the processor time and the peak of those that were killed before it; undefined while it is down. */
  usage(): ProcessUsage | undefined {
    const now = this.child?.pid === undefined ? undefined : usageOf(this.child.pid);
    return now === undefined
      ? undefined
      : {
          rssBytes: now.rssBytes,
          peakRssBytes: Math.max(now.peakRssBytes, this.earlierPeakBytes),
          cpuSeconds: now.cpuSeconds + this.earlierCpuSeconds,
        };
  }

  logTail(): string {
    return readFileSync(this.options.logFile, 'utf8').slice(-LOG_TAIL_CHARS).trim();
  }

  private remember(): void {
    const last = this.usage();
    if (last === undefined) return;
    this.earlierCpuSeconds = last.cpuSeconds;
    this.earlierPeakBytes = last.peakRssBytes;
  }
}

/** Ends what a killed benchmark left behind, and waits until it is gone, with its port. */
export async function killLeftover(leftover: ProcessIdentity): Promise<void> {
  if (isAlive(leftover)) process.kill(leftover.pid, 'SIGKILL');
  while (isAlive(leftover)) await sleep(GONE_POLL_MS);
}

function usageOf(pid: number): ProcessUsage | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      rssBytes: kilobytes(status, 'VmRSS') * 1024,
      peakRssBytes: kilobytes(status, 'VmHWM') * 1024,
      cpuSeconds: (Number(fields[STAT_UTIME]) + Number(fields[STAT_UTIME + 1])) / TICKS_PER_SECOND,
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined; // it has just ended
    throw error;
  }
}

function kilobytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
}
