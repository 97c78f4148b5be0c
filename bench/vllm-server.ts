import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pickPort } from '../services/local/free-port';
import { projectDir } from '../services/local/paths';
import { StackProcess } from './stack-process';

/** vLLM takes minutes to come up on a busy machine. */
const READY_TIMEOUT_MS = 10 * 60_000;
const POLL_MS = 1_000;

/** Arguments for `vllm serve` that fit a small model on two cores. */
export const VLLM_ARGS: readonly string[] = [
  '--dtype',
  'float32',
  '--max-model-len',
  '2048',
  '--enforce-eager', // compiling takes longer than all that is asked of it here
  '--block-size',
  '32', // of the prefix cache: 128 tokens on a CPU otherwise, 16 on a GPU
  '--enable-prompt-tokens-details', // how much of a prompt was in the prefix cache, in each reply
];

/** Environment for vLLM on a CPU, without network. */
export function vllmEnv(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return {
    VLLM_CPU_KVCACHE_SPACE: '1', // GB
    VLLM_CPU_OMP_THREADS_BIND: String(cpus().length - 1), // threads that wait for one another stall when something else wants their core
    ...env,
    VLLM_SERVER_DEV_MODE: '1', // for POST /reset_prefix_cache
    VLLM_NO_USAGE_STATS: '1',
    HF_HUB_OFFLINE: '1',
  };
}

/** A server of a model, as a benchmark has it. */
export interface ServedForBench {
  readonly process: StackProcess;
  /** Such as `http://127.0.0.1:8000`. */
  readonly origin: string;
}

/**
 * Serves a model with vLLM on a free port of this machine, until its process is stopped.
 * @throws Error with the end of the log when it does not come up
 */
export async function startVllm(options: {
  readonly python: string;
  readonly weights: string;
  readonly alias: string;
  readonly folder: string;
  readonly args?: readonly string[];
}): Promise<ServedForBench> {
  const { python, weights, alias, folder, args = [] } = options;
  const port = await pickPort(0);
  const server = new StackProcess({
    name: `vLLM ${args.join(' ')}`.trim(),
    command: python,
    env: vllmEnv(),
    logFile: join(folder, `vllm-${port}.log`),
    args: [
      join(projectDir(), 'python', 'serve_vllm.py'),
      weights,
      '--served-model-name',
      alias,
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--generation-config',
      'vllm',
      ...VLLM_ARGS,
      ...args,
    ],
  });
  server.start();
  const origin = `http://127.0.0.1:${port}`;
  await untilHealthy(server, origin);
  return { process: server, origin };
}

/** Returns when a server answers. @throws Error when its process ends, or it does not answer in time */
export async function untilHealthy(server: StackProcess, origin: string, timeoutMs = READY_TIMEOUT_MS): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; ; await sleep(POLL_MS)) {
    const ready = await Promise.race([
      server.failure,
      fetch(`${origin}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    ]);
    if (ready) return;
    if (performance.now() > deadline) throw new Error(`${server.name} does not answer:\n${server.logTail()}`);
  }
}

/** What vLLM's /metrics counts of its prefix cache, since its start, in tokens. */
export interface PrefixCacheCounts {
  readonly asked: number;
  readonly found: number;
}

export async function prefixCacheCounts(origin: string): Promise<PrefixCacheCounts> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  return { asked: counter(text, 'vllm:prefix_cache_queries_total'), found: counter(text, 'vllm:prefix_cache_hits_total') };
}

/** Forgets all prompts, so that the next who asks begins as the one before did. */
export async function resetPrefixCache(origin: string): Promise<void> {
  const { ok, status } = await fetch(`${origin}/reset_prefix_cache`, { method: 'POST' });
  if (!ok) throw new Error(`${origin} does not reset its prefix cache: status ${status}`);
}

function counter(metrics: string, name: string): number {
  const values = metrics.split('\n').flatMap((line) => (line.startsWith(`${name}{`) ? [Number(line.split(' ').at(-1))] : []));
  if (values.length === 0) throw new Error(`the server's /metrics have no ${name}`);
  return values.reduce((sum, value) => sum + value, 0);
}
