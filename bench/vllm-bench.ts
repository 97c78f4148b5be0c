import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../services/local/run-command';
import type { ServedCall } from './stored-requests';
import type { TimedTokens } from './token-rate';

interface BenchResult {
  readonly completed: number;
  readonly failed: number;
  readonly duration: number;
  readonly input_lens: readonly number[];
  readonly output_lens: readonly number[];
  readonly start_times: readonly number[];
  readonly ttfts: readonly number[];
  readonly itls: readonly (readonly number[])[];
  readonly errors: readonly string[];
  readonly output_throughput: number;
  readonly total_token_throughput: number;
}

export interface BenchOptions {
  /** Interpreter that has vLLM. */
  readonly python: string;
  readonly origin: string;
  readonly alias: string;
  /** Of the model, for its tokenizer. */
  readonly weights: string;
  /** In flight. */
  readonly concurrency: number;
  readonly folder: string;
}

export interface BenchFigures {
  /** vLLM's own figures, of the whole time: tokens a second. */
  readonly completionRate: number;
  readonly rate: number;
  readonly requests: readonly TimedTokens[];
}

/**
 * Sends the same prompts in the same order with `vllm bench serve`, which keeps as many in flight and has the server write just as many
 * tokens to each: what the server can do, with nothing between them.
 * @throws Error when a request fails
 */
export async function benchServe(
  calls: readonly ServedCall[],
  { python, origin, alias, weights, concurrency, folder }: BenchOptions,
): Promise<BenchFigures> {
  const prompts = join(folder, 'ceiling.jsonl');
  const file = 'ceiling.json';
  // llama.cpp does not count an end that comes at once, and sends nothing where nothing is asked for.
  const rows = calls.map(({ prompt, completionTokens }) => JSON.stringify({ prompt, output_tokens: Math.max(1, completionTokens) }));
  await writeFile(prompts, `${rows.join('\n')}\n`);
  await runCommand({
    command: python,
    args: [
      ...['-m', 'vllm.entrypoints.cli.main', 'bench', 'serve'],
      ...['--backend', 'openai', '--base-url', origin, '--endpoint', '/v1/completions', '--model', alias, '--tokenizer', weights],
      ...['--dataset-name', 'custom', '--dataset-path', prompts, '--num-prompts', String(calls.length), '--custom-output-len', '-1'],
      ...['--skip-chat-template', '--disable-shuffle', '--ignore-eos', '--temperature', '1', '--max-concurrency', String(concurrency)],
      ...['--save-result', '--save-detailed', '--result-dir', folder, '--result-filename', file, '--disable-tqdm'],
    ],
    env: { ...process.env, HF_HUB_OFFLINE: '1', VLLM_NO_USAGE_STATS: '1' },
  });
  const result = JSON.parse(await readFile(join(folder, file), 'utf8')) as BenchResult;
  if (result.completed !== calls.length) {
    const said = result.errors.find((error) => error !== '') ?? 'no reason';
    throw new Error(`${result.failed} of ${calls.length} requests of vllm bench serve failed, one as: ${said.slice(0, 2_000)}`);
  }
  return {
    completionRate: result.output_throughput,
    rate: result.total_token_throughput,
    requests: result.start_times.map((start, index) => ({
      start,
      end: start + result.ttfts[index]! + result.itls[index]!.reduce((sum, each) => sum + each, 0),
      promptTokens: result.input_lens[index]!,
      completionTokens: result.output_lens[index]!,
    })),
  };
}
