import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dataDir } from '../services/local/paths';
import { compareRuns, killTable } from './kill-figures';
import { killRun, type KillRunResult } from './kill-run';
import { writeReadmeSection } from './markdown-section';
import { paperRunSpec } from './paper-run';
import { Stack } from './stack';

const USAGE = `usage: node dist/bench/kill.js [options]

Runs the synthesis of config/paper.yaml twice: undisturbed, and with kill -9 of its workers and of the Temporal server, one or
all at once, again and again. Both must store the same rows, and the second may pay again for calls in flight only.

  --instructions N    (default 1000)
  --kills N           (default 20)
  --seed N            decides whom, when and for how long (default 1)
  --latency-ms N      of the endpoint (default 50)
  --concurrency N     calls in flight per model and llm worker (default 32)
  --llm-workers N     (default 2)
  --work DIR          (default: bench/ in the data folder)
  --no-table          leave bench/README.md as it is`;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      instructions: text,
      kills: text,
      seed: text,
      'latency-ms': text,
      concurrency: text,
      'llm-workers': text,
      work: text,
      'no-table': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const instructions = Number(values.instructions ?? 1000);
  const settings = {
    work: join(resolve(values.work ?? join(dataDir(), 'bench')), 'kill'),
    instructions,
    seed: Number(values.seed ?? 1),
    latencyMs: Number(values['latency-ms'] ?? 50),
    concurrency: Number(values.concurrency ?? 32),
    llmWorkers: Number(values['llm-workers'] ?? 2),
  };
  await rm(settings.work, { recursive: true, force: true });
  say(`undisturbed: ${instructions} instructions`);
  const undisturbed = await run({ ...settings, name: 'undisturbed', kills: 0 });
  say(`done in ${undisturbed.seconds.toFixed(0)} s; now with kills`);
  const disturbed = await run({ ...settings, name: 'disturbed', kills: Number(values.kills ?? 20) });
  await rm(settings.work, { recursive: true, force: true });

  const comparison = compareRuns(undisturbed, disturbed);
  const table = killTable({ undisturbed, disturbed, comparison, instructions });
  console.log(`\n${table}`);
  for (const problem of comparison.problems) {
    console.error(`BROKEN: ${problem}`);
    process.exitCode = 1;
  }
  if (!values['no-table']) await writeReadmeSection('kill', `${new Date().toISOString().slice(0, 10)}, seed ${settings.seed}:\n\n${table}`);
}

async function run(options: {
  readonly name: string;
  readonly kills: number;
  readonly work: string;
  readonly instructions: number;
  readonly seed: number;
  readonly latencyMs: number;
  readonly concurrency: number;
  readonly llmWorkers: number;
}): Promise<KillRunResult> {
  const { name, kills, work, instructions, seed, latencyMs, concurrency, llmWorkers } = options;
  const folder = join(work, name);
  await mkdir(folder, { recursive: true });
  const stack = await Stack.start({ folder, llmWorkers, latencyMs, restartWorkers: true });
  const stop = (): void => void stack.stop().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const spec = await paperRunSpec({ instructions, baseURL: `${stack.endpointURL}/v1`, folder, concurrency, shardSize: 50 });
    return await killRun({ stack, runId: name, spec, kills, seed, say });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await stack.stop();
  }
}

function say(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
