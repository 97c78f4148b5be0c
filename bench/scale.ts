import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Client } from '@temporalio/client';
import { startRun } from '../cli/runs/start-run';
import type { RunSpec } from '../config/spec';
import { dataDir } from '../services/local/paths';
import { checkEarlyJudging } from './check-early-judging';
import { checkWinners } from './check-winners';
import { diskUsage } from './disk-usage';
import { untilSynthesized, untilTraining } from './follow-run';
import { readHistories } from './histories';
import { writeReadmeSection } from './markdown-section';
import { measureCommand } from './measured-command';
import { expectedRequests, paperRunSpec } from './paper-run';
import { sampledFigures, Sampler } from './sampler';
import { brokenPromises, count, duration, megabytes, scaleTable, type ScaleFigures } from './scale-figures';
import { Stack } from './stack';

const USAGE = `usage: node dist/bench/scale.js --instructions 1000,10000,100000 [options]

Runs the synthesis of config/paper.yaml to its end against a local endpoint, through real processes, one size after the
other, and puts one table of all sizes into bench/README.md. Killed or interrupted, the same command goes on.

  --instructions N,…      sizes; a size that was measured before is not run again, unless with --again
  --llm-workers N         processes that call the endpoint (default 2)
  --latency-ms N          time before each reply (default 0)
  --concurrency N         calls in flight per model and llm worker (default: the preset's)
  --worker-heap-mb N      --max-old-space-size of each worker (default: Node's own)
  --work DIR              store, database and logs (default: bench/ in the data folder)
  --keep                  leave them there when a size is done
  --no-table              leave bench/README.md as it is`;

const SHOW_EVERY_MS = 10_000;

interface Settings {
  readonly llmWorkers: number;
  readonly latencyMs: number;
  readonly concurrency?: number;
  readonly workerHeapMb?: number;
  readonly keep: boolean;
}

async function main(): Promise<void> {
  const number = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      instructions: number,
      'llm-workers': number,
      'latency-ms': number,
      concurrency: number,
      'worker-heap-mb': number,
      work: number,
      keep: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      'no-table': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const sizes = (values.instructions ?? '').split(',').map(Number);
  if (values.help || !sizes.every((size) => Number.isInteger(size) && size > 0)) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const optional = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  const settings: Settings = {
    llmWorkers: Number(values['llm-workers'] ?? 2),
    latencyMs: Number(values['latency-ms'] ?? 0),
    keep: values.keep,
    concurrency: optional(values.concurrency),
    workerHeapMb: optional(values['worker-heap-mb']),
  };
  const work = resolve(values.work ?? join(dataDir(), 'bench'));
  const all: ScaleFigures[] = [];
  for (const size of sizes) {
    const figures = (values.again ? undefined : await readFigures(work, size)) ?? (await measure(work, size, settings));
    all.push(figures);
    for (const sentence of brokenPromises(figures)) {
      console.error(`BROKEN at ${count(size)} instructions: ${sentence}`);
      process.exitCode = 1;
    }
  }
  const table = scaleTable(all);
  console.log(`\n${table}`);
  if (!values['no-table']) {
    const last = all.at(-1)!;
    await writeReadmeSection('scale', `${last.date}, ${last.cpu}, ${last.llmWorkers} llm workers:\n\n${table}`);
  }
}

async function measure(work: string, instructions: number, settings: Settings): Promise<ScaleFigures> {
  const folder = join(work, `scale-${instructions}`);
  const runId = `scale-${instructions}`;
  await mkdir(folder, { recursive: true });
  say(`${count(instructions)} instructions, in ${folder}`);
  const stack = await Stack.start({ folder, ...settings });
  const stop = (): void => void stack.stop().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const spec = await paperRunSpec({ instructions, baseURL: `${stack.endpointURL}/v1`, folder, concurrency: settings.concurrency });
    const figures = await stack.whileRunning(
      stack.withClient(async (client) => await follow({ client, stack, spec, runId, folder, llmWorkers: settings.llmWorkers })),
    );
    await stack.stop();
    await writeFile(figuresFile(work, instructions), JSON.stringify(figures, null, 2));
    if (!settings.keep) await rm(folder, { recursive: true, force: true });
    return figures;
  } catch (error) {
    await stack.stop();
    throw error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

async function follow({
  client,
  stack,
  spec,
  runId,
  folder,
  llmWorkers,
}: {
  readonly client: Client;
  readonly stack: Stack;
  readonly spec: RunSpec;
  readonly runId: string;
  readonly folder: string;
  readonly llmWorkers: number;
}): Promise<ScaleFigures> {
  const { extract, respond, judge } = spec.synthesis;
  const sampler = await Sampler.start(stack, folder);
  const { state } = await startRun(client, runId, spec);
  say(`run ${runId} ${state === 'attached' ? 'goes on' : 'has started'}`);
  await untilSynthesized(client, runId, progressShower(sampler, expectedRequests(spec)));
  await sampler.stop();
  const sampled = await sampledFigures(folder);
  say(`synthesized in ${duration(sampled.seconds)}; mixing`);

  const mixStart = performance.now();
  await untilTraining(client, runId);
  const mixSeconds = (performance.now() - mixStart) / 1000;
  const cpuUsage = stack.cpu.usage();
  await client.workflow.getHandle(runId).terminate('the synthesis is done, and nothing is trained here');

  say('reading the histories');
  const histories = await readHistories(client);
  say('choosing the winners again');
  const store = join(stack.home, 'store');
  const winners = await checkWinners({ store, responsesEach: respond.generators.length * respond.samples, judges: judge.judges.length });
  const early = await checkEarlyJudging(store, spec);
  const { bytes, files } = await diskUsage(store);
  const command = { home: stack.home, logFile: join(folder, 'logs', 'commands.log'), address: stack.temporalAddress };
  say('exporting the judgments');
  const exportJudgments = await measureCommand({
    ...command,
    args: ['export', runId, '--stage', 'judgments', '--out', join(folder, 'judgments.jsonl')],
  });
  say('writing the report');
  const report = await measureCommand({ ...command, args: ['report', runId, '--out', join(folder, 'report')] });
  const memory = { ...sampled.memory };
  if (memory['cpu'] !== undefined && cpuUsage !== undefined) {
    memory['cpu'] = { ...memory['cpu'], peakBytes: Math.max(memory['cpu'].peakBytes, cpuUsage.peakRssBytes) };
  }
  return {
    instructions: extract.instructions,
    llmWorkers,
    sampled: { ...sampled, memory },
    histories,
    winners,
    early,
    storeBytes: bytes,
    storeFiles: files,
    mixSeconds,
    mixRows: Math.round(winners.rows / (1 - spec.mix.newShare)),
    exportJudgments,
    report,
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} x ${cpus()[0]?.model.trim()}`,
  };
}

/** Prints how far the run is, now and then. */
function progressShower(sampler: Sampler, expected: number): () => void {
  let shownAt = performance.now();
  let before = 0;
  return () => {
    const now = performance.now();
    const { latest } = sampler;
    if (latest === undefined || now - shownAt < SHOW_EVERY_MS) return;
    const rate = (latest.requests - before) / ((now - shownAt) / 1000);
    const rss = Object.entries(latest.rss)
      .map(([name, bytes]) => `${name} ${megabytes(bytes)}`)
      .join(', ');
    say(`${count(latest.requests)} of ${count(expected)} requests, ${count(rate)}/s; ${rss}`);
    shownAt = now;
    before = latest.requests;
  };
}

function figuresFile(work: string, instructions: number): string {
  return join(work, `scale-${instructions}.json`);
}

async function readFigures(work: string, instructions: number): Promise<ScaleFigures | undefined> {
  try {
    return JSON.parse(await readFile(figuresFile(work, instructions), 'utf8')) as ScaleFigures;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function say(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
