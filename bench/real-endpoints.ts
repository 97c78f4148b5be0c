import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRun } from '../cli/runs/start-run';
import { parseSpec } from '../config/load-spec';
import type { RunSpec, RunSpecInput } from '../config/spec';
import type { ExperimentResult } from '../contract/run';
import { ensureModel } from '../services/local/local-model';
import { ensurePython } from '../services/local/python-environment';
import { consoleReporter } from '../services/local/setup-reporter';
import { openStore } from '../services/runs/open-store';
import {
  ALIAS,
  LITELLM_KEY,
  startLiteLlm,
  startLlamaCpp,
  startTransformersServe,
  type RealServer,
  type RealServerSetting,
} from './real-servers';
import { Stack } from './stack';

const USAGE = `usage: node dist/bench/real-endpoints.js [--servers llama.cpp,litellm,transformers]

Four instructions through real servers that run here, with the small model: llama.cpp extracts and judges, and answers are llama.cpp's and those of
llama.cpp itself, of a LiteLLM proxy before it, or of "transformers serve". Says what the probe found of each; fails where a run has no replay set.`;

type ModelInput = RunSpecInput['models'][string];

const GENERATORS: Readonly<Record<string, (setting: RealServerSetting, llama: RealServer) => Promise<RealServer>>> = {
  'llama.cpp': async (_setting, llama) => await Promise.resolve(llama),
  litellm: startLiteLlm,
  transformers: startTransformersServe,
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { servers: { type: 'string', default: Object.keys(GENERATORS).join(',') }, help: { type: 'boolean', default: false } },
  });
  const names = values.servers.split(',');
  if (values.help || names.some((name) => !Object.hasOwn(GENERATORS, name))) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const reporter = consoleReporter();
  const python = await ensurePython(reporter);
  const model = await ensureModel(reporter, python);
  const folder = await mkdtemp(join(tmpdir(), 'rehearse-real-endpoints-'));
  const setting = { folder: join(folder, 'servers'), python, model, reporter };
  const running: { stop(): Promise<unknown> }[] = [];
  const stop = async (): Promise<void> => {
    for (const each of running.splice(0).reverse()) await each.stop();
    await rm(folder, { recursive: true, force: true });
  };
  process.once('SIGINT', () => void stop().then(() => process.exit(130)));
  try {
    const llama = await startLlamaCpp(setting);
    running.push(llama.process);
    const stats = await startStats();
    running.push(stats);
    const env = { REHEARSE_PROBE: 'on', LITELLM_KEY };
    const stack = await Stack.start({ folder: join(folder, 'stack'), llmWorkers: 1, latencyMs: 0, endpointURL: stats.origin, env });
    running.push(stack);
    for (const name of names) {
      const generator = await GENERATORS[name]!(setting, llama);
      if (generator !== llama) running.push(generator.process);
      await runThrough({ stack, name, spec: await specOf(folder, { llama, generator, name, weights: model.weightsDir }) });
      if (generator !== llama) await generator.process.stop();
    }
  } finally {
    await stop();
  }
}

interface Servers {
  readonly llama: RealServer;
  readonly generator: RealServer;
  readonly name: string;
  readonly weights: string;
}

/** Two generators, one of them behind the server in question, as docs/endpoints.md says of it. */
async function specOf(folder: string, { llama, generator, name, weights }: Servers): Promise<RunSpec> {
  const limits = { concurrency: 2, timeoutMs: 300_000 };
  const own: ModelInput = { baseURL: llama.baseURL, model: ALIAS, template: 'smollm2-system', supportsN: false, limits };
  const others: Readonly<Record<string, Partial<ModelInput>>> = { litellm: { apiKeyEnv: 'LITELLM_KEY' }, transformers: { model: weights } };
  const { template: _template, supportsN: _supportsN, ...plain } = own;
  const newData = join(folder, 'new.jsonl');
  await writeFile(newData, '{"messages":[{"role":"user","content":"Hi?"},{"role":"assistant","content":"Hello."}]}\n');
  return parseSpec({
    version: 1,
    seed: 42,
    until: 'replay',
    models: { small: own, other: { ...plain, baseURL: generator.baseURL, ...others[name] } },
    target: { model: 'small', weights },
    synthesis: {
      extract: { instructions: 4, sampling: { temperature: 0.9, topP: 0.9, maxTokens: 96 }, maxAttempts: 6, acceptTruncated: true },
      respond: { generators: ['small', 'other'], samples: 2, sampling: { maxTokens: 24 } },
      judge: { judges: ['small'], scoring: 'expected', sampling: { maxTokens: 16 } },
      shardSize: 4,
    },
    mix: { newData },
    train: { dtype: 'float32' },
  } as RunSpecInput);
}

async function runThrough({ stack, name, spec }: { readonly stack: Stack; readonly name: string; readonly spec: RunSpec }): Promise<void> {
  const runId = `through-${name}`;
  const result = await stack.whileRunning(
    stack.withClient(async (client) => {
      await startRun(client, runId, spec);
      return (await client.workflow.getHandle(runId).result()) as ExperimentResult;
    }),
  );
  const record = await openStore(join(stack.home, 'store')).plans.findRun(runId);
  console.log(
    `${name}: ${result.replayRows} of ${spec.synthesis.extract.instructions} instructions kept; asking took ${record?.probed?.tokens ?? 0} tokens`,
  );
  for (const warning of record?.warnings ?? []) console.log(`  ${warning}`);
  if (result.replayRows === 0) process.exitCode = 1;
}

/** The stack asks its endpoint for figures; servers of others have none. */
async function startStats(): Promise<{ readonly origin: string; stop(): Promise<void> }> {
  const server = createServer((_request, response) => void response.end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
