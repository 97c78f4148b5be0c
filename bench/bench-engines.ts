import { join } from 'node:path';
import type { RunSpecInput } from '../config/spec';
import { pickPort } from '../services/local/free-port';
import type { LocalModel } from '../services/local/local-model';
import { projectDir } from '../services/local/paths';
import type { PythonEnvironment } from '../services/local/python-environment';
import { StackProcess } from './stack-process';
import {
  VLLM_ARGS,
  prefixCacheCounts,
  resetPrefixCache,
  startVllm,
  untilHealthy,
  type PrefixCacheCounts,
  type ServedForBench,
} from './vllm-server';

export interface EngineSetting {
  /** Interpreter that has vLLM. */
  readonly vllm: string;
  readonly training: PythonEnvironment;
  readonly model: LocalModel;
  readonly alias: string;
  readonly folder: string;
  readonly concurrency: number;
}

/** An inference server that is measured. */
export interface BenchEngine {
  readonly name: EngineName;
  start(setting: EngineSetting): Promise<ServedForBench>;
  /** How a run is told to bring the same server. */
  serve(setting: Pick<EngineSetting, 'model' | 'concurrency'>): NonNullable<RunSpecInput['models'][string]['serve']>;
  /** Makes it forget the prompts that it has read. */
  reset(origin: string): Promise<void>;
  /** What it counts of its prefix cache, where it does. */
  readonly prefixCache?: (origin: string) => Promise<PrefixCacheCounts>;
}

export type EngineName = 'vllm' | 'llama.cpp';

/** As the demo has it (docs/engines.md). */
const SLOTS_PER_REQUEST = 1.5;

export const ENGINES: Readonly<Record<EngineName, BenchEngine>> = {
  vllm: {
    name: 'vllm',
    start: async ({ vllm, model, alias, folder, concurrency }) =>
      await startVllm({ python: vllm, weights: model.weightsDir, alias, folder, args: ['--max-num-seqs', String(concurrency)] }),
    serve: ({ concurrency }) => ({ engine: 'vllm', args: [...VLLM_ARGS, '--max-num-seqs', String(concurrency)] }),
    reset: resetPrefixCache,
    prefixCache: prefixCacheCounts,
  },
  'llama.cpp': {
    name: 'llama.cpp',
    async start({ training, model, alias, folder, concurrency }) {
      const port = await pickPort(0);
      const server = new StackProcess({
        name: 'llama.cpp',
        command: training.python,
        env: training.env,
        logFile: join(folder, 'llama-cpp.log'),
        args: [
          join(projectDir(), 'python', 'serve_model.py'),
          ...['--gguf', model.gguf, '--alias', alias, '--port', String(port)],
          ...llamaArgs(concurrency),
        ],
      });
      server.start();
      const origin = `http://127.0.0.1:${port}`;
      await untilHealthy(server, origin);
      return { process: server, origin };
    },
    serve: ({ model, concurrency }) => ({ engine: 'llama.cpp', weights: model.gguf, args: llamaArgs(concurrency) }),
    reset: async () => undefined, // each slot keeps one prompt, and all are in use from the beginning
  },
};

function llamaArgs(concurrency: number): string[] {
  return ['--parallel', String(concurrency), '--slots', String(Math.ceil(concurrency * SLOTS_PER_REQUEST))];
}
