import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRun } from '../cli/runs/start-run';
import type { RunSpec } from '../config/spec';
import { createRandom, shuffled, type Random } from '../method/random';
import type { EndpointStats } from './endpoint';
import { untilSynthesized, untilTraining } from './follow-run';
import { expectedRequests } from './paper-run';
import type { Stack } from './stack';
import { readStoreSnapshot, type StoreSnapshot } from './stored-calls';

/** Which processes a kill takes. */
export const VICTIMS = ['one llm worker', 'all llm workers', 'orchestration worker', 'Temporal server', 'everything'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Kill {
  readonly victim: Victim;
  /** Requests that had arrived by then. */
  readonly requests: number;
  /** Calls of all llm workers that were sent and not on disk. */
  readonly inFlight: number;
  /** Of these, the calls that died with the victims: they have to be paid again. */
  readonly lost: number;
  readonly outageMs: number;
}

export interface KillRunResult {
  readonly seconds: number;
  readonly kills: readonly Kill[];
  readonly requests: number;
  /** Requests that had been sent before, byte for byte. */
  readonly repaid: number;
  readonly endpoint: EndpointStats;
  readonly store: StoreSnapshot;
}

export interface KillRunOptions {
  readonly stack: Stack;
  readonly runId: string;
  readonly spec: RunSpec;
  /** None: the run is left alone. */
  readonly kills: number;
  readonly seed: number;
  readonly say?: (text: string) => void;
}

/** Longest time for which what was killed stays down. */
const MOST_OUTAGE_MS = 3_000;
const POLL_MS = 10;
const SETTLE_POLL_MS = 100;
const SETTLED_LOOKS = 4;

/**
 * Runs a synthesis and the mixing after it, and kills the processes (`kill -9`) at moments that the seed decides: spread over
 * the run's requests, in turns over all kinds of victims, each down for up to three seconds, then started again as a
 * supervisor would.
 */
export async function killRun({ stack, runId, spec, kills: count, seed, say = () => undefined }: KillRunOptions): Promise<KillRunResult> {
  const startMs = performance.now();
  const random = createRandom(seed);
  const moments = killMoments(count, expectedRequests(spec), random);
  const victims: Victim[] = [];
  while (victims.length < count) victims.push(...shuffled(VICTIMS, random));
  const kills: Kill[] = [];

  return await stack.withClient(async (client) => {
    await startRun(client, runId, spec);
    let ended = false;
    const end = untilSynthesized(client, runId).finally(() => (ended = true));
    for (const [index, moment] of moments.entries()) {
      while (!ended && (await stack.stats()).requests < moment) await Promise.race([stack.whileRunning(sleep(POLL_MS)), end]);
      await sleep(random.below(100)); // no kill right after a reply only
      if (ended) break;
      const kill = await killAndRestart(stack, victims[index]!, { random, lostBefore: kills.reduce((sum, { lost }) => sum + lost, 0) });
      kills.push(kill);
      say(
        `killed ${kill.victim} after ${kill.requests} requests, ${kill.inFlight} in flight, ${kill.lost} lost; back after ${(kill.outageMs / 1000).toFixed(1)} s`,
      );
    }
    await stack.whileRunning(end);
    await stack.whileRunning(untilTraining(client, runId));
    const seconds = (performance.now() - startMs) / 1000;
    await client.workflow.getHandle(runId).terminate('the synthesis is done, and nothing is trained here');
    const endpoint = await stack.stats();
    const { requests, repeated } = endpoint;
    return { seconds, kills, requests, repaid: repeated, endpoint, store: await readStoreSnapshot(join(stack.home, 'store')) };
  });
}

/** Numbers of requests, one in each equal part of the run. */
function killMoments(count: number, requests: number, random: Random): number[] {
  const part = Math.floor((requests * 0.95) / Math.max(1, count));
  return Array.from({ length: count }, (_, index) => index * part + 1 + random.below(part));
}

/**
 * The llm workers are stopped where they are, so that what they have sent and what is on disk can be counted; then the
 * victims are killed. The others go on, at first without replies, until they have written down what they had received: what
 * is not on disk then was lost with the victims.
 */
async function killAndRestart(
  stack: Stack,
  victim: Victim,
  { random, lostBefore }: { readonly random: Random; readonly lostBefore: number },
): Promise<Kill> {
  const store = join(stack.home, 'store');
  for (const worker of stack.llm) worker.freeze();
  while ((await stack.stats()).inFlight > 0) await sleep(POLL_MS);
  const { requests, distinct, repeated } = await stack.stats();
  // Lost at an earlier kill and not sent again yet: no longer in flight.
  const toBeRepaid = lostBefore - repeated;
  const inFlight = distinct - toBeRepaid - (await readStoreSnapshot(store)).calls;

  const [oneLlm] = shuffled(stack.llm, random);
  const processes = {
    'one llm worker': [oneLlm!],
    'all llm workers': stack.llm,
    'orchestration worker': [stack.orchestration],
    'Temporal server': [stack.temporal],
    everything: [stack.temporal, ...stack.workers],
  }[victim];
  const outageMs = random.below(MOST_OUTAGE_MS);
  await Promise.all(processes.map(async (process) => await process.kill()));
  await stack.tellEndpoint('hold');
  for (const worker of stack.llm) worker.thaw();
  const lost = distinct - toBeRepaid - (await settledCalls(store));
  await stack.tellEndpoint('release');
  await sleep(outageMs);
  if (processes.includes(stack.temporal)) {
    stack.temporal.start();
    await stack.untilReady();
  }
  for (const process of processes) if (process !== stack.temporal) process.start();
  await stack.savePids();
  return { victim, requests, inFlight, lost, outageMs };
}

/** Calls on disk, once their number does not grow any more. */
async function settledCalls(store: string): Promise<number> {
  let calls = (await readStoreSnapshot(store)).calls;
  for (let same = 0; same < SETTLED_LOOKS;) {
    await sleep(SETTLE_POLL_MS);
    const now = (await readStoreSnapshot(store)).calls;
    same = now === calls ? same + 1 : 0;
    calls = now;
  }
  return calls;
}
