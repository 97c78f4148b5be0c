import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseSpec } from '../config/load-spec';
import { projectDir } from '../services/local/paths';
import type { BareLoopFigures } from './bare-loop';
import { measureSynthesis } from './measured-synthesis';
import { paperRunSpec } from './paper-run';
import { writeRequestBodies } from './request-bodies';
import { Stack } from './stack';

export interface SpeedSetting {
  /** Calls in flight, of all llm workers together. */
  readonly inFlight: number;
  readonly instructions: number;
  readonly llmWorkers: number;
  readonly latencyMs: number;
}

/** One client's part of a round. */
export interface ClientFigures {
  readonly requests: number;
  /** From the first request's arrival to the last reply. */
  readonly perSecond: number;
  /** Of all workers, or of the bare loop, from the first call to the last row stored; for 1,000 calls. */
  readonly cpuSeconds: number;
  /** Of the largest process. */
  readonly peakRssBytes: number;
  /** From the start of the client's processes, and what else it needs, to the end. */
  readonly wallSeconds: number;
}

export interface SpeedRound {
  readonly bare: ClientFigures;
  readonly rehearse: ClientFigures;
  /** CPU of the processes that call the endpoint alone, for 1,000 calls. */
  readonly llmCpuSeconds: number;
}

const RUN_ID = 'speed';
/** Enough that one stage's tail is another's middle. */
const SHARDS = 8;
const SHARDS_AT_ONCE = 8;

/**
 * One round: a synthesis through a Temporal server and the shipped workers; then the same requests, byte for byte, by the bare
 * loop, to the same endpoint process, with nothing else running.
 */
export async function runRound(folder: string, setting: SpeedSetting): Promise<SpeedRound> {
  const { inFlight, instructions, llmWorkers, latencyMs } = setting;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const startedAt = Date.now();
  const stack = await Stack.start({ folder, llmWorkers, latencyMs });
  const stop = (): void => void stack.stop().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const spec = await speedSpec({
      folder,
      baseURL: `${stack.endpointURL}/v1`,
      instructions,
      concurrency: Math.ceil(inFlight / llmWorkers),
    });
    const { cpuSeconds, peakRssBytes, closedAt } = await measureSynthesis(stack, RUN_ID, spec);
    const seen = await perSecondOf(stack);
    const thousands = seen.requests / 1000;
    const rehearse: ClientFigures = {
      ...seen,
      cpuSeconds: cpuSeconds.workers / thousands,
      peakRssBytes,
      wallSeconds: (closedAt - startedAt) / 1000,
    };
    await Promise.all(stack.workers.map(async (process) => await process.kill()));
    await stack.temporal.stop();

    const file = join(folder, 'requests.txt');
    const written = await writeRequestBodies({ store: join(stack.home, 'store'), runId: RUN_ID, file });
    if (written !== seen.requests) throw new Error(`the synthesis made ${seen.requests} requests, of which ${written} can be made again`);
    const bare = await runBareLoop(stack, file, inFlight);
    return { bare, rehearse, llmCpuSeconds: cpuSeconds.llm / thousands };
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await stack.stop();
  }
}

/** The bare loop over the requests of a file, in a process of its own. */
async function runBareLoop(stack: Stack, file: string, inFlight: number): Promise<ClientFigures> {
  await fetch(`${stack.endpointURL}/reset`, { method: 'POST' });
  const startMs = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(projectDir(), 'dist', 'bench', 'bare-loop.js'),
    '--url',
    stack.endpointURL,
    '--requests',
    file,
    '--in-flight',
    String(inFlight),
  ]);
  const wallSeconds = (performance.now() - startMs) / 1000;
  const { requests, cpuSeconds, peakRssBytes } = JSON.parse(stdout) as BareLoopFigures;
  return { ...(await perSecondOf(stack)), cpuSeconds: cpuSeconds / (requests / 1000), peakRssBytes, wallSeconds };
}

/** The paper's synthesis with its three models behind one model id, so that they share the calls in flight. */
async function speedSpec({
  folder,
  baseURL,
  instructions,
  concurrency,
}: {
  readonly folder: string;
  readonly baseURL: string;
  readonly instructions: number;
  readonly concurrency: number;
}): Promise<ReturnType<typeof parseSpec>> {
  const spec = await paperRunSpec({
    instructions,
    baseURL,
    folder,
    concurrency,
    shardSize: Math.ceil(instructions / SHARDS),
    concurrentShards: SHARDS_AT_ONCE,
  });
  return parseSpec({
    ...spec,
    models: Object.fromEntries(Object.entries(spec.models).map(([name, model]) => [name, { ...model, model: 'bench-model' }])),
  });
}

async function perSecondOf(stack: Stack): Promise<{ readonly requests: number; readonly perSecond: number }> {
  const { requests, firstRequestAt, lastReplyAt } = await stack.stats();
  return { requests, perSecond: requests / ((lastReplyAt - firstRequestAt) / 1000) };
}
