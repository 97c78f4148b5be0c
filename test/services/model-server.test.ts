import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureModel } from '../../services/local/local-model';
import { ensurePython } from '../../services/local/python-environment';
import { engineArguments, serveUntilStopped, ModelServerError, type ServedModel } from '../../services/model-server';
import { until } from '../support/control';
import { useTempFolder } from '../support/temp-folder';
import { quietReporter } from '../support/temporal';

const temp = useTempFolder();
const TIMING = { readyTimeoutMs: 300_000, pollMs: 50, missesAllowed: 200 };
let python: Awaited<ReturnType<typeof ensurePython>>;
let weights: string;

beforeAll(async () => {
  python = await ensurePython(quietReporter);
  weights = (await ensureModel(quietReporter, python)).weightsDir;
}, 900_000);

/** Processes whose command line has all of these words. */
function processes(...words: readonly string[]): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words.every((word) => command.includes(word));
    } catch {
      return false; // it has just ended
    }
  });
}

function serve(change: Partial<ServedModel>, ready: string[], stop: AbortController): Promise<unknown> {
  return serveUntilStopped({
    alias: `served-by-${process.pid}`, serve: { engine: 'transformers', args: ['--threads', '1'] }, weights, host: '127.0.0.1', logFile: join(temp(), 'serve.log'),
    environment: async () => python, stop: stop.signal, onReady: async (baseURL) => void ready.push(baseURL), onState: () => undefined, ...change,
  }, TIMING).catch((error: unknown) => error);
}

test('a real model is served, comes back at the same address when it is killed, and is gone when it is not wanted any more', async () => {
  const [stop, ready] = [new AbortController(), [] as string[]];
  const alias = `served-by-${process.pid}`;
  const ended = serve({}, ready, stop);
  await until(async () => (ready.length === 1 ? true : undefined));
  const reply = await fetch(`${ready[0]}/completions`, {
    method: 'POST', body: JSON.stringify({ model: alias, prompt: '<|im_start|>user\n', max_tokens: 4, seed: 1, logprobs: 1, echo: true }),
  });
  const { choices } = (await reply.json()) as { choices: { text: string; logprobs: { token_logprobs: (number | null)[] } }[] };
  expect(choices[0]?.text.startsWith('<|im_start|>user\n')).toBe(true);
  expect(choices[0]?.logprobs.token_logprobs[0]).toBeNull();
  expect(choices[0]?.logprobs.token_logprobs.slice(1).every((logprob) => logprob !== null && logprob < 0)).toBe(true);

  const [keeper, server] = processes('--alias', alias).sort((a, b) => a - b);
  expect(keeper).toBeDefined();
  process.kill(server!, 'SIGKILL');
  await until(async () => (ready.length === 2 ? true : undefined));
  expect(ready[1]).toBe(ready[0]);

  stop.abort(new Error('not wanted any more'));
  expect(await ended).toEqual(new Error('not wanted any more'));
  expect(processes('--alias', alias)).toEqual([]);
}, 600_000);

test('a server that cannot start says why', async () => {
  const error = await serve({ weights: join(temp(), 'nowhere') }, [], new AbortController());
  expect(error).toBeInstanceOf(ModelServerError);
  expect((error as Error).message).toMatch(/ended with exit code 1 before it answered; its log ends with: .*nowhere/s);
}, 120_000);

test('vLLM is started with its own command line', () => {
  const model = { serve: { engine: 'vllm' as const, args: ['--tensor-parallel-size', '8'] }, alias: 'llama', weights: 'meta-llama/Meta-Llama-3-70B-Instruct', revision: 'abc', host: '10.0.0.5' };
  expect(engineArguments(model, 8000)).toEqual([
    '-m', 'vllm.entrypoints.cli.main', 'serve', 'meta-llama/Meta-Llama-3-70B-Instruct', '--served-model-name', 'llama', '--revision', 'abc',
    '--host', '10.0.0.5', '--port', '8000', '--tensor-parallel-size', '8',
  ]);
});
