import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointStats } from './endpoint';
import type { JudgeLoad } from './judge-load';
import { ProcessGroup } from './process-group';
import type { ClientFigures } from './speed-run';

/** A client that sends a load of prompts, as a command that ends when all are answered and kept. */
export interface Contender {
  readonly name: string;
  /** Whether a second start on the same folder goes on. */
  readonly resumes: boolean;
  /** Makes what it needs, once. Returns the interpreter. */
  install(): Promise<string>;
  /** Of its driver, whose last line of stdout is {@link ContenderFigures} as JSON. */
  args(job: { readonly url: string; readonly inFlight: number; readonly load: JudgeLoad; readonly out: string }): string[];
}

export interface ContenderFigures {
  /** Of all its processes, since its start-up was over. */
  readonly cpuSeconds: number;
  /** Of its largest process. */
  readonly peakRssBytes: number;
}

export interface ContenderJob {
  readonly contender: Contender;
  readonly inFlight: number;
  /** Origin of the endpoint. */
  readonly url: string;
  readonly load: JudgeLoad;
  /** What the client keeps, and beside it its logs. Emptied first. */
  readonly folder: string;
  /** Longest time of one start. */
  readonly timeoutMs: number;
}

/** What came of `kill -9` in the middle and a second start. */
export interface KillOutcome {
  /** Requests, when it was killed. */
  readonly answered: number;
  /** Requests that had arrived before, byte for byte. */
  readonly repaid: number;
  /** Seconds of the second start, to its end; undefined when it had none. */
  readonly resumeSeconds?: number;
  /** How the second start went wrong, in words. */
  readonly failed?: string;
}

const POLL_MS = 20;
const KILL_AT = 0.6;
const FAILURE_LOG_CHARS = 600;

/** Runs a client once. @throws Error that says how it failed */
export async function runContender(job: ContenderJob): Promise<ClientFigures> {
  await rm(job.folder, { recursive: true, force: true });
  await reset(job.url);
  const startMs = performance.now();
  const end = await runToEnd(await start(job), job);
  if (end.failed !== undefined) throw new Error(end.failed);
  const wallSeconds = (performance.now() - startMs) / 1000;
  const { requests, firstRequestAt, lastReplyAt } = await statsOf(job.url);
  const { cpuSeconds, peakRssBytes } = JSON.parse(end.lastLine) as ContenderFigures;
  return {
    requests,
    perSecond: requests / ((lastReplyAt - firstRequestAt) / 1000),
    cpuSeconds: cpuSeconds / (requests / 1000),
    peakRssBytes,
    wallSeconds,
  };
}

/** Kills a client (`kill -9`, its whole process group) when six tenths are answered, starts it again, and counts what is paid again. */
export async function killContender(job: ContenderJob): Promise<KillOutcome> {
  await rm(job.folder, { recursive: true, force: true });
  await reset(job.url);
  const first = await start(job);
  let ended: string | undefined;
  void first.ended().then((how) => (ended = how));
  const answered = await answeredSoMany(job, () => ended !== undefined);
  await first.kill();
  if (answered === undefined) {
    throw new Error(
      `${ended === undefined ? `six tenths were not answered in ${job.timeoutMs / 1000} s` : `it ended before it was killed (${ended})`}${tail(first)}`,
    );
  }
  while ((await statsOf(job.url)).inFlight > 0) await sleep(POLL_MS);
  const startMs = performance.now();
  const end = await runToEnd(await start(job), job);
  const { repeated, distinct } = await statsOf(job.url);
  return {
    answered,
    repaid: repeated,
    ...(end.failed === undefined
      ? { resumeSeconds: (performance.now() - startMs) / 1000 }
      : { failed: `${end.failed}; ${distinct} of ${job.load.prompts} prompts had been sent` }),
  };
}

/** @returns how many, once it is time for the kill; undefined when it comes to nothing */
async function answeredSoMany({ url, load, timeoutMs }: ContenderJob, hasEnded: () => boolean): Promise<number | undefined> {
  const deadline = performance.now() + timeoutMs;
  while (!hasEnded() && performance.now() < deadline) {
    const { answered } = await statsOf(url);
    if (answered >= load.prompts * KILL_AT) return answered;
    await sleep(POLL_MS);
  }
  return undefined;
}

async function start({ contender, url, inFlight, load, folder }: ContenderJob): Promise<ProcessGroup> {
  return ProcessGroup.start({
    command: await contender.install(),
    args: contender.args({ url, inFlight, load, out: folder }),
    outputs: folder,
  });
}

async function runToEnd(
  group: ProcessGroup,
  { timeoutMs }: ContenderJob,
): Promise<{ readonly lastLine: string; readonly failed?: string }> {
  const timer = new AbortController();
  const end = await Promise.race([group.ended(), sleep(timeoutMs, undefined, { signal: timer.signal })]);
  timer.abort();
  await group.kill(); // what it left behind, too
  const lastLine = group.stdout().trimEnd().split('\n').at(-1) ?? '';
  if (end === undefined) return { lastLine, failed: `hung: no end after ${timeoutMs / 1000} s` };
  return end === 'exit code 0' ? { lastLine } : { lastLine, failed: `ended with ${end}${tail(group)}` };
}

function tail(group: ProcessGroup): string {
  return `; its log ${group.logFile} ends with:\n${group.log().slice(-FAILURE_LOG_CHARS)}`;
}

async function reset(url: string): Promise<void> {
  await (await fetch(`${url}/reset`, { method: 'POST' })).arrayBuffer();
}

async function statsOf(url: string): Promise<EndpointStats> {
  return (await (await fetch(`${url}/stats`)).json()) as EndpointStats;
}
