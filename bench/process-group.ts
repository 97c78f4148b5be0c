import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Groups that run, to be ended with this process. */
const running = new Set<ProcessGroup>();
const POLL_MS = 10;
/** A dead process that nobody collects still counts as one of its group. */
const MOST_DYING_MS = 5_000;

/** A command with all that it starts. Its output goes to files, which outlive it and hold nothing open. */
export class ProcessGroup {
  private readonly exit: Promise<string>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly outputs: string,
  ) {
    this.exit = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    running.add(this);
  }

  /** @param outputs path without ending; `.out` gets stdout and `.log` stderr, both emptied first */
  static start({
    command,
    args,
    outputs,
  }: {
    readonly command: string;
    readonly args: readonly string[];
    readonly outputs: string;
  }): ProcessGroup {
    const [out, log] = [openSync(`${outputs}.out`, 'w'), openSync(`${outputs}.log`, 'w')];
    const env = { ...process.env, HF_HUB_OFFLINE: '1', PYTHONDONTWRITEBYTECODE: undefined };
    const child = spawn(command, [...args], { stdio: ['ignore', out, log], detached: true, env });
    closeSync(out);
    closeSync(log);
    return new ProcessGroup(child, outputs);
  }

  get logFile(): string {
    return `${this.outputs}.log`;
  }

  /** How the command itself ended: exit code or signal. */
  async ended(): Promise<string> {
    return await this.exit;
  }

  /** `kill -9` of all that is left; returns when nothing is. */
  async kill(): Promise<void> {
    const deadline = performance.now() + MOST_DYING_MS;
    while (this.child.pid !== undefined && signalGroup(this.child.pid) && performance.now() < deadline) await sleep(POLL_MS);
    await this.exit;
    running.delete(this);
  }

  stdout(): string {
    return readFileSync(`${this.outputs}.out`, 'utf8');
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** For the end of this process. */
  static async killAll(): Promise<void> {
    await Promise.all([...running].map(async (group) => await group.kill()));
  }
}

/** @returns whether the group still has a process */
function signalGroup(pid: number): boolean {
  try {
    process.kill(-pid, 'SIGKILL');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
