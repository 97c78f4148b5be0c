import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRun } from '../cli/runs/start-run';
import { ensureModel } from '../services/local/local-model';
import { ensurePython } from '../services/local/python-environment';
import { consoleReporter } from '../services/local/setup-reporter';
import { ENGINES, type BenchEngine, type EngineName } from './bench-engines';
import { ceilingTable, type CeilingFigures } from './ceiling-figures';
import { untilDone } from './follow-run';
import { writeReadmeSection } from './markdown-section';
import { realModelSpec } from './real-model-spec';
import { shardSpan } from './shard-span';
import { Stack } from './stack';
import { servedCalls } from './stored-requests';
import { fullSpan, inFlightWithin, rateWithin } from './token-rate';
import { benchServe } from './vllm-bench';
import { ensureVllm } from './vllm-environment';

const USAGE = `usage: node dist/bench/engine-ceiling.js [options]

How much of what an inference server can do a synthesis gets out of it. A synthesis runs on a small real model; between the end of its first
shard and the beginning of its last one its tokens a second are counted. Then "vllm bench serve" sends the prompts of just that time to the
same server, emptied, in the same order, as many in flight, for as many tokens each. Also: what part of the prompts' tokens the server found
in its prefix cache, by what they were for. The first start sets vLLM up (6 GB).

  --engines E,…         (default vllm,llama.cpp)
  --instructions N      with four responses each (default 48)
  --shard-size N        with --shards-at-once at least twice as many instructions as are in flight, as runs have it (default 8)
  --shards-at-once N    (default 4)
  --in-flight N         requests (default 8)
  --max-tokens N        of an instruction, and of a response (default 24)
  --no-table            leave bench/README.md as it is`;

const ALIAS = 'small';
const RUN_ID = 'ceiling';

interface Settings {
  readonly instructions: number;
  readonly shardSize: number;
  readonly concurrentShards: number;
  readonly concurrency: number;
  readonly maxTokens: number;
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      engines: { ...text, default: 'vllm,llama.cpp' },
      instructions: { ...text, default: '48' },
      'shard-size': { ...text, default: '8' },
      'shards-at-once': { ...text, default: '4' },
      'in-flight': { ...text, default: '8' },
      'max-tokens': { ...text, default: '24' },
      'no-table': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const engines = values.engines.split(',').filter((name): name is EngineName => Object.hasOwn(ENGINES, name));
  const settings: Settings = {
    instructions: Number(values.instructions),
    shardSize: Number(values['shard-size']),
    concurrentShards: Number(values['shards-at-once']),
    concurrency: Number(values['in-flight']),
    maxTokens: Number(values['max-tokens']),
  };
  const isUsable = Object.values(settings).every((value) => Number.isInteger(value) && value > 0);
  if (values.help || !isUsable || engines.length !== values.engines.split(',').length) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const python = await ensureVllm(consoleReporter());
  const all: CeilingFigures[] = [];
  // An engine takes minutes: what one has shown is kept whatever becomes of the next.
  for (const engine of engines) {
    all.push(await measure(ENGINES[engine], python, settings));
    const table = ceilingTable(all, settings);
    console.log(`\n${table}`);
    if (!values['no-table']) await writeReadmeSection('ceiling', table);
  }
}

async function measure(engine: BenchEngine, vllm: string, settings: Settings): Promise<CeilingFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'rehearse-bench-ceiling-'));
  const training = await ensurePython(consoleReporter());
  const model = await ensureModel(consoleReporter(), training);
  console.error(`${engine.name}: starting its server`);
  const server = await engine.start({ vllm, training, model, alias: ALIAS, folder, concurrency: settings.concurrency });
  let stack: Stack | undefined;
  const stop = async (): Promise<void> => {
    await stack?.stop();
    await server.process.stop(60_000);
    await rm(folder, { recursive: true, force: true });
  };
  const interrupted = (): void => void stop().then(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const work = join(folder, 'run');
    await mkdir(work);
    const serving = { baseURL: `${server.origin}/v1` };
    const spec = realModelSpec({ alias: ALIAS, serving, weights: model.weightsDir, samples: 4, ...settings }, (input) => {
      input.until = 'replay';
    });
    const before = await engine.prefixCache?.(server.origin);
    console.error(`${engine.name}: a synthesis of ${settings.instructions} instructions`);
    stack = await Stack.start({ folder: work, llmWorkers: 1, latencyMs: 0, endpointURL: server.origin });
    const span = await stack.whileRunning(
      stack.withClient(async (client) => {
        await startRun(client, RUN_ID, spec);
        await untilDone(client, RUN_ID);
        return await shardSpan(client);
      }),
    );
    const after = await engine.prefixCache?.(server.origin);
    const store = join(stack.home, 'store');
    await stack.stop(); // its workers would take time from the server
    stack = undefined;
    const calls = await servedCalls({ store, runId: RUN_ID });
    const inSpan = calls.filter(({ start, end }) => start < span.to && end > span.from);
    console.error(`${engine.name}: the server by itself, ${inSpan.length} of the ${calls.length} requests`);
    await engine.reset(server.origin);
    const ceiling = await benchServe(inSpan, {
      python: vllm,
      origin: server.origin,
      alias: ALIAS,
      weights: model.weightsDir,
      concurrency: settings.concurrency,
      folder,
    });
    return {
      engine: engine.name,
      seconds: span.to - span.from,
      requests: inSpan.length,
      synthesis: rateWithin(calls, span),
      inFlight: inFlightWithin(calls, span),
      ceiling: rateWithin(ceiling.requests, fullSpan(ceiling.requests)),
      ceilingOfAll: { completion: ceiling.completionRate, all: ceiling.rate },
      calls,
      ...(before === undefined || after === undefined
        ? {}
        : { prefixCache: { asked: after.asked - before.asked, found: after.found - before.found } }),
    };
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
