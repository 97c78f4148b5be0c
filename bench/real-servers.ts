import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pickPort } from '../services/local/free-port';
import type { LocalModel } from '../services/local/local-model';
import { makeOnce } from '../services/local/make-once';
import { cacheDir, projectDir } from '../services/local/paths';
import { ensureVenv, installFiles, type PythonEnvironment } from '../services/local/python-environment';
import type { SetupReporter } from '../services/local/setup-reporter';
import { StackProcess } from './stack-process';

/** Where servers find what they serve, and write what they say. */
export interface RealServerSetting {
  readonly folder: string;
  readonly python: PythonEnvironment;
  readonly model: LocalModel;
  readonly reporter: SetupReporter;
}

/** A server of somebody else's that runs here. */
export interface RealServer {
  readonly baseURL: string;
  readonly process: StackProcess;
}

/** Name of the small model in each API. */
export const ALIAS = 'smollm2';
/** For this machine only; a proxy of LiteLLM's wants a key that begins so. */
export const LITELLM_KEY = 'sk-of-this-machine';

const READY_TIMEOUT_MS = 300_000;
const POLL_MS = 500;
const PINS = join(projectDir(), 'bench', 'real-endpoints');

/** llama.cpp's own server on the GGUF file. */
export async function startLlamaCpp({ folder, python: { python, env }, model }: RealServerSetting): Promise<RealServer> {
  const port = await pickPort(0);
  const args = [join(projectDir(), 'python', 'serve_model.py'), '--gguf', model.gguf, '--alias', ALIAS, '--port', String(port)];
  return await started({ name: 'llama.cpp', command: python, args, env, port, folder, health: '/health' });
}

/** A LiteLLM proxy, with a key, before another server. */
export async function startLiteLlm({ folder, reporter }: RealServerSetting, behind: RealServer): Promise<RealServer> {
  const python = await ensureVenv({ name: 'litellm', requirements: join(PINS, 'litellm.txt'), reporter });
  const port = await pickPort(0);
  const config = join(folder, 'litellm.json');
  const parameters = { model: `openai/${ALIAS}`, api_base: behind.baseURL, api_key: 'none', num_retries: 0 };
  await mkdir(folder, { recursive: true });
  await writeFile(
    config, // JSON is YAML
    JSON.stringify({
      model_list: [{ model_name: ALIAS, litellm_params: parameters }],
      litellm_settings: { num_retries: 0, drop_params: false },
    }),
  );
  const args = ['--config', config, '--host', '127.0.0.1', '--port', String(port)];
  const env = { ...process.env, LITELLM_MASTER_KEY: LITELLM_KEY, LITELLM_LOCAL_MODEL_COST_MAP: 'True' };
  return await started({
    name: 'LiteLLM',
    command: join(dirname(python), 'litellm'),
    args,
    env,
    port,
    folder,
    health: '/health/liveliness',
  });
}

/** `transformers serve` on the safetensors, from the project's own Python environment. */
export async function startTransformersServe({ folder, python: { python, env }, model, reporter }: RealServerSetting): Promise<RealServer> {
  const packages = join(cacheDir(), 'scratch', 'transformers-serve');
  await makeOnce(
    packages,
    () => reporter.step('transformers serve'),
    async (step) => {
      await installFiles({ pins: join(PINS, 'transformers-serve.txt'), target: packages, python, step });
      return packages;
    },
  );
  const port = await pickPort(0);
  const args = ['serve', model.weightsDir, '--host', '127.0.0.1', '--port', String(port), '--device', 'cpu', '--dtype', 'float32'];
  return await started({
    name: 'transformers serve',
    command: join(dirname(python), 'transformers'),
    args,
    env: { ...env, PYTHONPATH: `${env['PYTHONPATH'] ?? ''}:${packages}`, HF_HUB_OFFLINE: '1' },
    port,
    folder,
    health: '/health',
  });
}

interface Starting {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly port: number;
  readonly folder: string;
  /** Path that answers with 200 once it is up. */
  readonly health: string;
}

async function started({ name, command, args, env, port, folder, health }: Starting): Promise<RealServer> {
  await mkdir(folder, { recursive: true });
  const server = new StackProcess({ name, command, args, env, logFile: join(folder, `${name.replaceAll(' ', '-')}.log`) });
  server.start();
  const origin = `http://127.0.0.1:${port}`;
  const up = async (): Promise<void> => {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!(await isUp(`${origin}${health}`))) {
      if (performance.now() > deadline) throw new Error(`${name} does not come up; its log ends with:\n${server.logTail()}`);
      await sleep(POLL_MS);
    }
  };
  try {
    await Promise.race([up(), server.failure]);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { baseURL: `${origin}/v1`, process: server };
}

async function isUp(url: string): Promise<boolean> {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await reply.body?.cancel();
    return reply.ok;
  } catch {
    return false; // not yet
  }
}
