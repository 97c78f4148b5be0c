import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from './lock';
import { dataDir } from './paths';
import { identify, identifySelf, isAlive, type ProcessIdentity } from './process-identity';

/** What is on disk about a server, so that a later command finds it when the one that started it was killed. */
interface ServerState<Facts> {
  readonly process: ProcessIdentity;
  /** The command that answers for it, and stops it. */
  readonly owner: ProcessIdentity;
  /** What it was started as; another wish gets another server. */
  readonly key: string;
  readonly facts: Facts;
}

export interface BackgroundServerOptions<Facts> {
  /** Name of its state file, and in messages. */
  readonly name: string;
  readonly key: string;
  /** Decides, when none is to be reused, how to start it. */
  readonly plan: () => Promise<{
    readonly command: string;
    readonly args: readonly string[];
    readonly env?: NodeJS.ProcessEnv;
    readonly facts: Facts;
  }>;
  /** Whether it answers, asked until it does. */
  readonly isReady: (facts: Facts) => Promise<boolean>;
  readonly logFile: string;
  /** It has failed when it does not answer after this long. */
  readonly readyTimeoutMs: number;
  /** How often it is started, each time by a plan of its own, when it ends before it answers: a port may be taken between plan and start. Default 1. */
  readonly tries?: number;
}

export interface BackgroundServer<Facts> {
  readonly facts: Facts;
  readonly pid: number;
  /** Whether it ran before: left behind by a killed command, or another command's. */
  readonly reused: boolean;
  /** Ends it and waits until it is gone; another command's is left alone. */
  stop(): Promise<void>;
}

const READY_POLL_MS = 50;
const KILL_AFTER_MS = 20_000;
const LOG_HEAD_CHARS = 500;
const LOG_TAIL_CHARS = 1_500;

/**
 * Starts a server in a process group of its own, so that Ctrl-C in our terminal does not reach it while workers drain,
 * or takes the one that runs already. One of each name runs per data folder.
 * @throws Error with the tail of its log when it ends or does not answer in time
 */
export async function startBackgroundServer<Facts>(options: BackgroundServerOptions<Facts>): Promise<BackgroundServer<Facts>> {
  const file = stateFile(options.name);
  return await withLock(`${file}.lock`, async () => {
    const running = await reusable(options);
    if (running !== undefined) return running;
    for (let triesLeft = (options.tries ?? 1) - 1; ; triesLeft--) {
      const started = await startOnce(file, options);
      if ('server' in started) return started.server;
      if (!started.ended || triesLeft <= 0) throw new Error(started.problem);
    }
  });
}

type Started<Facts> = { readonly server: BackgroundServer<Facts> } | { readonly ended: boolean; readonly problem: string };

async function startOnce<Facts>(file: string, options: BackgroundServerOptions<Facts>): Promise<Started<Facts>> {
  const { command, args, env = process.env, facts } = await options.plan();
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const logStart = statSync(options.logFile).size;
  const child = spawn(command, [...args], { stdio: ['ignore', log, log], detached: true, env });
  closeSync(log);
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = signal ?? `exit code ${code}`));
  // Our own process may end without it, and is not kept alive by it.
  child.unref();
  const started = child.pid === undefined ? undefined : identify(child.pid);
  if (started !== undefined) write(file, { process: started, owner: identifySelf(), key: options.key, facts });
  const problem = await waitUntilReady(options, facts, () => ended);
  if (started !== undefined && problem === undefined) return { server: handle(file, started, facts, false) };
  const endedByItself = ended !== undefined;
  if (started !== undefined) await endProcess(started);
  rmSync(file, { force: true });
  return {
    ended: endedByItself,
    problem: `${options.name} ${problem ?? 'could not be started'}; its log ${options.logFile} says:\n${excerpt(options.logFile, logStart)}`,
  };
}

/** What runs under a name in this data folder, if anything does. */
export function runningServer<Facts>(name: string): { readonly facts: Facts; readonly pid: number } | undefined {
  const state = read<Facts>(stateFile(name));
  return state !== undefined && isAlive(state.process) ? { facts: state.facts, pid: state.process.pid } : undefined;
}

async function reusable<Facts>(options: BackgroundServerOptions<Facts>): Promise<BackgroundServer<Facts> | undefined> {
  const file = stateFile(options.name);
  const state = read<Facts>(file);
  if (state === undefined || !isAlive(state.process)) return undefined;
  const fits =
    state.key === options.key &&
    (await waitUntilReady(options, state.facts, () => (isAlive(state.process) ? undefined : 'ended'))) === undefined;
  if (isAlive(state.owner)) {
    if (fits) return handle(file, state.process, state.facts, true);
    throw new Error(
      `another rehearse command (pid ${state.owner.pid}) runs a different ${options.name} over ${dataDir()}; stop it, or set REHEARSE_HOME to another folder`,
    );
  }
  if (!fits) {
    await endProcess(state.process);
    return undefined;
  }
  write(file, { ...state, owner: identifySelf() });
  return handle(file, state.process, state.facts, true);
}

function handle<Facts>(file: string, server: ProcessIdentity, facts: Facts, reused: boolean): BackgroundServer<Facts> {
  return {
    facts,
    pid: server.pid,
    reused,
    async stop() {
      const state = read<Facts>(file);
      if (state?.process.pid !== server.pid || state.owner.pid !== process.pid) return;
      await endProcess(server);
      rmSync(file, { force: true });
    },
  };
}

async function waitUntilReady<Facts>(
  options: BackgroundServerOptions<Facts>,
  facts: Facts,
  ended: () => string | undefined,
): Promise<string | undefined> {
  const deadline = performance.now() + options.readyTimeoutMs;
  for (;;) {
    if (ended() !== undefined) return `ended (${ended()})`;
    if (await options.isReady(facts)) return ended() === undefined ? undefined : `ended (${ended()})`;
    if (performance.now() > deadline) return `did not answer within ${options.readyTimeoutMs / 1000} s`;
    await sleep(READY_POLL_MS);
  }
}

async function endProcess(server: ProcessIdentity): Promise<void> {
  signalGroup(server, 'SIGTERM');
  const killAt = performance.now() + KILL_AFTER_MS;
  let killed = false;
  while (isAlive(server)) {
    if (!killed && performance.now() > killAt) {
      killed = true;
      signalGroup(server, 'SIGKILL');
    }
    await sleep(READY_POLL_MS);
  }
}

function signalGroup(server: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(server)) return;
  try {
    process.kill(-server.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function stateFile(name: string): string {
  return join(dataDir(), 'run', `${name.replaceAll(' ', '-').toLowerCase()}.json`);
}

function read<Facts>(file: string): ServerState<Facts> | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ServerState<Facts>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${file} is damaged; delete it`, { cause: error });
  }
}

function write<Facts>(file: string, state: ServerState<Facts>): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, JSON.stringify(state));
  renameSync(temporary, file);
}

/** A crash of a Go program says why in its first line, most others in their last. */
function excerpt(logFile: string, from: number): string {
  const text = readFileSync(logFile).subarray(from).toString('utf8').trim();
  return text.length <= LOG_HEAD_CHARS + LOG_TAIL_CHARS ? text : `${text.slice(0, LOG_HEAD_CHARS)}\n[…]\n${text.slice(-LOG_TAIL_CHARS)}`;
}
