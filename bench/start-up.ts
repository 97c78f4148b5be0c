import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { RunSpec } from '../config/spec';
import { rehearseArgs } from '../services/local/worker-command';
import { expectedRequests, paperRunSpec } from './paper-run';
import { spread } from './spread';
import { Stack } from './stack';

const USAGE = `node dist/bench/start-up.js [--rounds 3] [--instructions 60]

How long one waits for what is no work: the help of the command line; from "rehearse start" to the first call, workers and server running; from
the last call to the report (of a run that ends with its mixture); and, after everything was killed, from starting server and workers again to the next call. Prints milliseconds,
the median of the rounds and their range.
`;

const LATENCY_MS = 50;
const POLL_MS = 5;
/** Share of the calls after which everything is killed. */
const KILL_AT = 0.4;

interface Waits {
  readonly help: number;
  readonly startToFirstCall: number;
  readonly killedToNextCall: number;
  readonly lastCallToReport: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '3' }, instructions: { type: 'string', default: '60' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const rounds: Waits[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const folder = await mkdtemp(join(tmpdir(), 'rehearse-start-up-'));
    try {
      rounds.push(await measure(folder, Number(values.instructions)));
      console.error(JSON.stringify(rounds.at(-1)));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  for (const [name, title] of Object.entries(TITLES) as [keyof Waits, string][]) {
    console.log(
      `| ${title} | ${spread(
        rounds.map((waits) => waits[name]),
        0,
      )} |`,
    );
  }
}

const TITLES: Readonly<Record<keyof Waits, string>> = {
  help: '`rehearse --help`',
  startToFirstCall: '`rehearse start` to the first call',
  killedToNextCall: 'server and workers started after all were killed, to the next call',
  lastCallToReport: 'last call to the report',
};

async function measure(folder: string, instructions: number): Promise<Waits> {
  const help = await timed(async () => await rehearse(['--help'], {}));
  const stack = await Stack.start({ folder, llmWorkers: 1, latencyMs: LATENCY_MS });
  try {
    const paper = await paperRunSpec({ instructions, baseURL: `${stack.endpointURL}/v1`, folder, concurrency: 20 });
    const spec: RunSpec = { ...paper, until: 'mixture' }; // nothing trains here
    const file = join(folder, 'spec.json');
    await writeFile(file, JSON.stringify(spec));
    await mkdir(stack.home, { recursive: true });
    const startedAt = Date.now();
    await rehearse(['start', file, '--id', 'run'], { TEMPORAL_ADDRESS: stack.temporalAddress, REHEARSE_HOME: stack.home });
    const { firstRequestAt } = await statsWhen(stack, ({ requests }) => requests > 0);

    await statsWhen(stack, ({ requests }) => requests >= KILL_AT * expectedRequests(spec));
    await Promise.all([stack.temporal, ...stack.workers].map(async (process) => await process.kill()));
    await (await fetch(`${stack.endpointURL}/reset`, { method: 'POST' })).arrayBuffer();
    const againAt = Date.now();
    stack.temporal.start();
    await stack.untilReady();
    for (const process of stack.workers) process.start();
    const next = await statsWhen(stack, ({ requests }) => requests > 0);

    await stack.withClient(async (client) => await stack.whileRunning(client.workflow.getHandle('run').result()));
    const reportedAt = Date.now();
    return {
      help,
      startToFirstCall: firstRequestAt - startedAt,
      killedToNextCall: next.firstRequestAt - againAt,
      lastCallToReport: reportedAt - (await stack.stats()).lastReplyAt,
    };
  } finally {
    await stack.stop();
  }
}

async function statsWhen(stack: Stack, isSo: (stats: Awaited<ReturnType<Stack['stats']>>) => boolean): ReturnType<Stack['stats']> {
  for (;;) {
    const stats = await stack.whileRunning(stack.stats());
    if (isSo(stats)) return stats;
    await sleep(POLL_MS);
  }
}

/** Runs a command to its end. @throws Error when it fails */
async function rehearse(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, rehearseArgs(...args), { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`rehearse ${args.join(' ')} ended with ${code}`);
}

/** Milliseconds that the work took. */
async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
