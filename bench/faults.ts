import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSpec } from '../config/load-spec';
import type { ModelSpec, RunSpec } from '../config/spec';
import { dataDir } from '../services/local/paths';
import { faultProblems, faultTable, type FaultRun } from './fault-figures';
import { killRun } from './kill-run';
import { writeReadmeSection } from './markdown-section';
import { paperRunSpec } from './paper-run';
import { sampledFigures, Sampler } from './sampler';
import { Stack } from './stack';

const USAGE = `usage: node dist/bench/faults.js [options]

Runs the synthesis of config/paper.yaml twice, with one model at an endpoint in OpenAI's words and two in those of Mistral and
Anthropic: undisturbed, and with faults of all passing kinds. Both must store the same rows, their counts must add up, memory must
be flat, and no call may be made again but one that a timeout ended in flight.

  --instructions N    (default 2000: more than 20,000 requests to the endpoint with the faults)
  --fault-percent N   of the requests there (default 10)
  --latency-ms N      of the endpoints (default 20)
  --concurrency N     calls in flight per model and llm worker (default 32)
  --work DIR          (default: bench/ in the data folder)
  --no-table          leave bench/README.md as it is`;

const TIMEOUT_MS = 5_000;
const SEED = 1;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      instructions: text,
      'fault-percent': text,
      'latency-ms': text,
      concurrency: text,
      work: text,
      'no-table': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const instructions = Number(values.instructions ?? 2_000);
  const settings = {
    work: join(resolve(values.work ?? join(dataDir(), 'bench')), 'faults'),
    instructions,
    latencyMs: Number(values['latency-ms'] ?? 20),
    concurrency: Number(values.concurrency ?? 32),
  };
  const faultPercent = Number(values['fault-percent'] ?? 10);
  await rm(settings.work, { recursive: true, force: true });
  say(`undisturbed: ${instructions} instructions`);
  const undisturbed = await run({ ...settings, name: 'undisturbed', faultPercent: 0 });
  say(`done in ${undisturbed.seconds.toFixed(0)} s; now with faults`);
  const faulty = await run({ ...settings, name: 'with faults', faultPercent });
  await rm(settings.work, { recursive: true, force: true });

  const table = faultTable([undisturbed, faulty], instructions);
  console.log(`\n${table}`);
  for (const problem of faultProblems([undisturbed, faulty], instructions)) {
    console.error(`BROKEN: ${problem}`);
    process.exitCode = 1;
  }
  if (!values['no-table']) await writeReadmeSection('faults', `${new Date().toISOString().slice(0, 10)}:\n\n${table}`);
}

interface Settings {
  readonly name: string;
  readonly work: string;
  readonly instructions: number;
  readonly latencyMs: number;
  readonly concurrency: number;
  readonly faultPercent: number;
}

async function run({ name, work, instructions, latencyMs, concurrency, faultPercent }: Settings): Promise<FaultRun> {
  const folder = join(work, name.replaceAll(' ', '-'));
  await mkdir(folder, { recursive: true });
  const stack = await Stack.start({ folder, llmWorkers: 2, latencyMs, faultPercent, restartWorkers: true });
  const stop = (): void => void stack.stop().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const spec = await dialectSpec(stack.endpointURL, { instructions, folder, concurrency });
    const sampler = await Sampler.start(stack, folder);
    const result = await killRun({ stack, runId: 'faults', spec, kills: 0, seed: SEED, say });
    await sampler.stop();
    return { ...result, name, sampled: await sampledFigures(folder), expected: expectedItems(spec) };
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await stack.stop();
  }
}

/** The paper's three models: the target in OpenAI's words, the others as docs/endpoints.md says of Anthropic and Mistral. */
async function dialectSpec(
  endpointURL: string,
  { instructions, folder, concurrency }: { readonly instructions: number; readonly folder: string; readonly concurrency: number },
): Promise<RunSpec> {
  const spec = await paperRunSpec({ instructions, baseURL: `${endpointURL}/v1`, folder, concurrency, shardSize: 100 });
  const changes: Partial<ModelSpec>[] = [
    {},
    { baseURL: `${endpointURL}/claude/v1`, supportsN: false },
    { baseURL: `${endpointURL}/mistral/v1`, request: { rename: { seed: 'random_seed' } } },
  ];
  const models = Object.entries(spec.models).map(([name, model], index): [string, ModelSpec] => [
    name,
    { ...model, ...changes[index], limits: { ...model.limits, timeoutMs: TIMEOUT_MS } },
  ]);
  return parseSpec({ ...spec, models: Object.fromEntries(models) });
}

function expectedItems({ synthesis: { extract, respond, judge } }: RunSpec): FaultRun['expected'] {
  return { instructions: extract.instructions, candidates: respond.generators.length * respond.samples, judges: judge.judges.length };
}

function say(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
