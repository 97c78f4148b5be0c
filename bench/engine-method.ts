import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRun } from '../cli/runs/start-run';
import type { RunSpec, RunSpecInput } from '../config/spec';
import type { ExperimentResult } from '../contract/run';
import { ensureModel } from '../services/local/local-model';
import { projectDir } from '../services/local/paths';
import { ensurePython } from '../services/local/python-environment';
import { runCommand } from '../services/local/run-command';
import { consoleReporter } from '../services/local/setup-reporter';
import { openStore } from '../services/runs/open-store';
import { ENGINES, type BenchEngine, type EngineName } from './bench-engines';
import { untilDone } from './follow-run';
import { measureCommand } from './measured-command';
import { realModelSpec, type Serving } from './real-model-spec';
import { startTransformersServe, type RealServer } from './real-servers';
import { recomputeExports, type ExportFiles } from './recompute-exports';
import { Stack } from './stack';
import { ensureVllm } from './vllm-environment';
import { vllmEnv, type ServedForBench } from './vllm-server';

const USAGE = `usage: node dist/bench/engine-method.js [--engines vllm,llama.cpp] [--answers-too transformers]

The whole method on a small real model that an engine serves (default vllm, on the CPU), with the chat template that is read from the model's
weights: first from a server of the user's, then from one that the run brings ("serve"). Each run is exported, and its replay set and its
scores are computed again. The first start sets vLLM up (6 GB). With --answers-too, "transformers serve" answers each instruction as well, which
has no probabilities of tokens, so that it cannot judge.`;

const ALIAS = 'small';
const TRANSFORMERS = 'transformers';
const CONCURRENCY = 8;
const EVALUATION = join('examples', 'demo', 'eval');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { engines: { type: 'string', default: 'vllm' }, 'answers-too': { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  const engines = values.engines.split(',').filter((name): name is EngineName => Object.hasOwn(ENGINES, name));
  const others = values['answers-too'];
  const isUsable = engines.length === values.engines.split(',').length && (others === undefined || others === TRANSFORMERS);
  if (values.help || !isUsable) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  for (const engine of engines) await runMethod(ENGINES[engine], others === TRANSFORMERS);
}

async function runMethod(engine: BenchEngine, transformersToo: boolean): Promise<void> {
  const reporter = consoleReporter();
  const training = await ensurePython(reporter);
  const model = await ensureModel(reporter, training);
  const vllm = engine.name === 'vllm' ? await ensureVllm(reporter) : '';
  const folder = await mkdtemp(join(tmpdir(), 'rehearse-method-'));
  let [stack, server, other]: [Stack?, ServedForBench?, RealServer?] = [];
  const stop = async (): Promise<void> => {
    await stack?.stop();
    await other?.process.stop();
    await server?.process.stop(60_000);
    await rm(folder, { recursive: true, force: true });
  };
  const interrupted = (): void => void stop().then(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    say(`${engine.name}: its server comes up`);
    const setting = { vllm, training, model, alias: ALIAS, folder, concurrency: CONCURRENCY, maxTokens: 32 };
    server = await engine.start(setting);
    if (transformersToo) other = await startTransformersServe({ folder: join(folder, 'servers'), python: training, model, reporter });
    const generator = other?.baseURL;
    const work = join(folder, 'work');
    await mkdir(work);
    stack = await Stack.start({
      folder: work,
      llmWorkers: 1,
      latencyMs: 0,
      endpointURL: server.origin,
      gpu: true,
      env: { ...definedOf(vllmEnv()), REHEARSE_PROBE: 'on', REHEARSE_VLLM_PYTHON: vllm },
    });
    const run = async (runId: string, seed: number, serving: Serving): Promise<void> => {
      const spec = methodSpec(model.weightsDir, { seed, serving, generator });
      say(`${runId}: the whole method`);
      const result = await stack!.whileRunning(
        stack!.withClient(async (client) => {
          await startRun(client, runId, spec);
          return await untilDone(client, runId);
        }),
      );
      const checked = await check({ stack: stack!, runId, spec, result, folder, weights: model.weightsDir });
      say(`${runId}: ${checked}`);
    };
    const named = transformersToo ? `${engine.name}-and-${TRANSFORMERS}` : engine.name;
    await run(`${named}-of-the-user`, 42, { baseURL: `${server.origin}/v1` });
    await server.process.stop(60_000);
    server = undefined;
    await run(`${named}-of-the-run`, 43, { serve: engine.serve(setting) });
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await stop();
  }
}

interface MethodSetting {
  readonly seed: number;
  readonly serving: Serving;
  /** Address of a server that answers as well, under the name of the weights' folder. */
  readonly generator: string | undefined;
}

/** Two answers to each of six instructions, of each model that answers, some steps of training, and a document of each task. */
function methodSpec(weights: string, { seed, serving, generator }: MethodSetting): RunSpec {
  const options = {
    alias: ALIAS,
    serving,
    weights,
    instructions: 6,
    samples: 2,
    shardSize: 3,
    concurrentShards: 2,
    concurrency: CONCURRENCY,
    maxTokens: 32,
  };
  return realModelSpec(options, (spec: RunSpecInput) => {
    spec.seed = seed;
    if (generator !== undefined) {
      const limits = { concurrency: 2, timeoutMs: 600_000 };
      spec.models[TRANSFORMERS] = { baseURL: generator, model: weights, supportsN: false, limits };
      spec.synthesis.respond.generators = [ALIAS, TRANSFORMERS];
    }
    spec.synthesis.select = { truncated: 'last' }; // as recomputeExports chooses
    spec.train = {
      maxSteps: 2,
      perDeviceBatchSize: 1,
      gradientAccumulation: 1,
      maxLength: 128,
      dtype: 'float32',
      gradientCheckpointing: false,
    };
    spec.evaluate = {
      tasks: [{ task: 'ifeval', data: { train: join(projectDir(), EVALUATION, 'ifeval', 'train.jsonl') }, limit: 2, maxGenToks: 8 }],
      dtype: 'float32',
    };
  });
}

interface Finished {
  readonly stack: Stack;
  readonly runId: string;
  readonly spec: RunSpec;
  readonly result: ExperimentResult;
  readonly folder: string;
  readonly weights: string;
}

/** @returns what was found, in a sentence. @throws Error that says what does not hold */
async function check({ stack, runId, spec, result, folder, weights }: Finished): Promise<string> {
  const problems: string[] = [];
  const { plans } = openStore(join(stack.home, 'store'));
  const stored = await plans.load((await plans.findRun(runId))?.plan ?? '');
  const own = stored.content.templates?.[ALIAS];
  if (own?.source.place !== weights) {
    problems.push(`the chat template was read from ${own?.source.place ?? 'nowhere'}, not from ${weights}`);
  }

  const command = async (...args: readonly string[]): Promise<void> =>
    void (await measureCommand({ home: stack.home, args, logFile: join(folder, 'command.log'), address: stack.temporalAddress }));
  const files = Object.fromEntries(
    (['instructions', 'responses', 'judgments', 'replay', 'mixture', 'evaluation'] as const).map((stage) => [
      stage,
      join(folder, `${runId}-${stage}.jsonl`),
    ]),
  ) as Record<string, string> & ExportFiles;
  for (const [stage, file] of Object.entries(files)) await command('export', runId, '--stage', stage, '--out', file);
  const report = join(folder, `${runId}-report`);
  await command('report', runId, '--out', report);

  const { rows, problems: wrong } = await recomputeExports(files);
  problems.push(...wrong);
  if (rows !== result.replayRows || rows === 0) {
    problems.push(`the run says ${result.replayRows} rows of the replay set, its export has ${rows}`);
  }
  const texts = await readFile(files.instructions, 'utf8');
  if (texts.includes('<|im_')) problems.push('an instruction holds a control token');
  if (result.variants.length !== 2) problems.push(`${result.variants.length} rows of the table, not official and method`);
  const recompute = join(projectDir(), 'python', 'recompute_table.py');
  const { python } = await ensurePython(consoleReporter());
  const said = await runCommand({ command: python, args: [recompute, files['evaluation']!, '--report', report] });
  if (problems.length > 0) throw new Error(`${runId}: ${problems.join('; ')}`);
  return `${rows} of ${spec.synthesis.extract.instructions} instructions kept, all winners chosen again; ${said.trim().split('\n').at(-1)}`;
}

function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function say(what: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${what}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
