import { join } from 'node:path';
import { parseSpec } from '../config/load-spec';
import type { RunSpec, RunSpecInput } from '../config/spec';
import { projectDir } from '../services/local/paths';

/** Who serves the small model: an address, or the run. */
export type Serving = Pick<RunSpecInput['models'][string], 'baseURL' | 'serve'>;

export interface RealModelOptions {
  readonly alias: string;
  readonly serving: Serving;
  /** Directory of the model's weights and tokenizer. */
  readonly weights: string;
  readonly instructions: number;
  readonly samples: number;
  readonly shardSize: number;
  readonly concurrentShards: number;
  /** Requests in flight. */
  readonly concurrency: number;
  /** Of an instruction, and of an answer. */
  readonly maxTokens: number;
}

/**
 * The synthesis of a small real model that answers and judges by itself, with the chat template that is read from its weights and one request a
 * sample, and with the demo's data.
 */
export function realModelSpec(options: RealModelOptions, change: (spec: RunSpecInput) => void = () => undefined): RunSpec {
  const { alias, serving, weights, instructions, samples, shardSize, concurrentShards, concurrency, maxTokens } = options;
  const spec: RunSpecInput = {
    version: 1,
    seed: 42,
    models: { [alias]: { ...serving, model: alias, supportsN: false, limits: { concurrency, timeoutMs: 600_000 } } },
    target: { model: alias, weights },
    synthesis: {
      extract: { instructions, acceptTruncated: true, maxAttempts: 8, sampling: { temperature: 0.9, topP: 0.9, maxTokens } },
      respond: { generators: [alias], samples, sampling: { maxTokens } },
      judge: { judges: [alias], scoring: 'expected', sampling: { temperature: 1, maxTokens: 8 } },
      shardSize,
      concurrentShards,
    },
    mix: { newData: join(projectDir(), 'examples', 'demo', 'new-data.jsonl'), newShare: 0.17 },
  };
  change(spec);
  return parseSpec(spec);
}
