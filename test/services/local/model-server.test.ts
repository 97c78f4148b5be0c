import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureModel } from '../../../services/local/local-model';
import { engineArguments, serveUntilStopped, ModelServerError, type ServedModel } from '../../../services/local/model-server';
import { ensurePython } from '../../../services/local/python-environment';
import { until } from '../../support/control';
import { processes } from '../../support/processes';
import { useTempFolder } from '../../support/temp-folder';
import { quietReporter } from '../../support/temporal';

const temp = useTempFolder();
const TIMING = { readyTimeoutMs: 300_000, pollMs: 50, missesAllowed: 200, pauseMs: 50 };
let python: Awaited<ReturnType<typeof ensurePython>>;
let weights: string;

beforeAll(async () => {
  python = await ensurePython(quietReporter);
  weights = (await ensureModel(quietReporter, python)).weightsDir;
}, 900_000);

function serve(change: Partial<ServedModel>, ready: string[], stop: AbortController): Promise<unknown> {
  return serveUntilStopped(
    {
      alias: `served-by-${process.pid}`,
      serve: { engine: 'transformers', args: ['--threads', '1'] },
      weights,
      host: '127.0.0.1',
      logFile: join(temp(), 'serve.log'),
      environment: async () => python,
      stop: stop.signal,
      onReady: async (baseURL) => void ready.push(baseURL),
      onState: () => undefined,
      ...change,
    },
    TIMING,
  ).catch((error: unknown) => error);
}

test('a real model is served, comes back at the same address when it is killed, and is gone when it is not wanted any more', async () => {
  const [stop, ready] = [new AbortController(), [] as string[]];
  const alias = `served-by-${process.pid}`;
  const ended = serve({}, ready, stop);
  await until(async () => (ready.length === 1 ? true : undefined));
  const reply = await fetch(`${ready[0]}/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: alias, prompt: '<|im_start|>user\n', max_tokens: 4, seed: 1, logprobs: 1, echo: true }),
  });
  const { choices } = (await reply.json()) as { choices: { text: string; logprobs: { token_logprobs: (number | null)[] } }[] };
  expect(choices[0]?.text.startsWith('<|im_start|>user\n')).toBe(true);
  expect(choices[0]?.logprobs.token_logprobs[0]).toBeNull();
  expect(choices[0]?.logprobs.token_logprobs.slice(1).every((logprob) => logprob !== null && logprob < 0)).toBe(true);

  const [keeper, server] = processes('--alias', alias);
  expect(keeper).toBeDefined();
  process.kill(server!, 'SIGKILL');
  await until(async () => (ready.length === 2 ? true : undefined));
  expect(ready[1]).toBe(ready[0]);

  stop.abort(new Error('not wanted any more'));
  expect(await ended).toEqual(new Error('not wanted any more'));
  expect(processes('--alias', alias)).toEqual([]);
}, 600_000);

/** How often a server was started, and how serving it ended. */
async function failing(change: Partial<ServedModel>): Promise<{ readonly starts: number; readonly message: string }> {
  let starts = 0;
  const error = await serve({ ...change, onState: (state) => void (state === 'loading' && starts++) }, [], new AbortController());
  expect(error).toBeInstanceOf(ModelServerError);
  return { starts, message: (error as Error).message };
}

const llamaCpp = { engine: 'llama.cpp' as const, args: [] };

test.each([
  [
    'weights that are not there',
    { weights: '/nowhere' },
    /^the server of \S+ \(transformers\) ended with exit code 78 before it answered; .*"npx rehearse resume"; its log \S+ ends with: .*\/nowhere cannot be loaded: it has no config\.json$/,
  ],
  ['a file that is no model', { serve: llamaCpp, weights: __filename }, /exit code 78 .*is no GGUF file$/],
  [
    'an argument that its engine does not know',
    { serve: { ...llamaCpp, args: ['--parallell', '2'] }, weights: 'any' },
    /exit code 2 .*unrecognized arguments: --parallell 2$/,
  ],
  [
    'an engine that is not installed',
    { serve: { engine: 'vllm' as const, args: [] } },
    /exit code 78 .*there is no vLLM for \S+; install it there, name .* in REHEARSE_VLLM_PYTHON of the gpu worker, or use another engine$/,
  ],
])(
  '%s: the server is not started a second time',
  async (_, change, sentence) => {
    const { starts, message } = await failing(change);
    expect(message).toMatch(sentence);
    expect(starts).toBe(1);
  },
  120_000,
);

test('a server that fails for another reason is started three times, then given up with the end of its log', async () => {
  const weights = join(temp(), 'torn.gguf');
  writeFileSync(weights, 'GGUF and then nothing');
  const { starts, message } = await failing({ serve: llamaCpp, weights });
  expect(message).toMatch(/before it answered, 3 times in a row; .* ends with: .*Failed to init server/);
  expect(starts).toBe(3);
}, 120_000);

test('vLLM is started with its own command line', () => {
  const model = {
    serve: { engine: 'vllm' as const, args: ['--tensor-parallel-size', '8'] },
    alias: 'llama',
    weights: 'meta-llama/Meta-Llama-3-70B-Instruct',
    revision: 'abc',
    host: '10.0.0.5',
  };
  expect(engineArguments(model, 8000)).toEqual([
    expect.stringMatching(/python\/serve_vllm\.py$/),
    'meta-llama/Meta-Llama-3-70B-Instruct',
    '--served-model-name',
    'llama',
    '--revision',
    'abc',
    '--generation-config',
    'vllm',
    '--host',
    '10.0.0.5',
    '--port',
    '8000',
    '--tensor-parallel-size',
    '8',
  ]);
});
