import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureModel, startModelServer, type ModelServer } from '../../../services/local/local-model';
import { ensurePython } from '../../../services/local/python-environment';

const QUIET = { step: () => ({ update: () => undefined, done: () => undefined, fail: () => undefined }) };

interface Reply {
  readonly choices: readonly {
    readonly index: number;
    readonly text: string;
    readonly finish_reason: string;
    readonly logprobs: null | {
      readonly content: readonly { readonly top_logprobs: readonly { readonly token: string; readonly logprob: number }[] }[];
    };
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
  /** llama.cpp's own: prompt tokens that were read anew. */
  readonly timings: { readonly prompt_n: number };
}

let server: ModelServer;

beforeAll(async () => {
  const home = mkdtempSync(join(tmpdir(), 'rehearse-model-'));
  process.env['REHEARSE_HOME'] = home;
  const python = await ensurePython(QUIET);
  const { gguf } = await ensureModel(QUIET, python);
  server = await startModelServer({ gguf, python, port: 0, logFile: join(home, 'model.log'), concurrency: 4 });
}, 600_000);

afterAll(async () => {
  await server.stop();
  delete process.env['REHEARSE_HOME'];
});

async function complete(body: Record<string, unknown>): Promise<Reply> {
  const reply = await fetch(`${server.baseURL}/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'smollm2-135m-instruct', ...body }),
  });
  expect(reply.status).toBe(200);
  return (await reply.json()) as Reply;
}

const texts = ({ choices }: Reply) => choices.map(({ text }) => text);

test('the model names itself', async () => {
  const { data } = (await (await fetch(`${server.baseURL}/models`)).json()) as { data: { id: string }[] };
  expect(data.map(({ id }) => id)).toEqual(['smollm2-135m-instruct']);
});

test('a raw prompt is not given a second beginning-of-sequence token', async () => {
  const { usage } = await complete({ prompt: '<|im_start|>user\n', max_tokens: 1 });
  expect(usage.prompt_tokens).toBe(3);
});

test('the same seed writes the same, another seed something else, and n counts seeds up', async () => {
  const body = { prompt: '<|im_start|>user\n', max_tokens: 16, temperature: 1 };
  const one = await complete({ ...body, seed: 7 });
  expect(texts(await complete({ ...body, seed: 7 }))).toEqual(texts(one));
  expect(texts(await complete({ ...body, seed: 8 }))).not.toEqual(texts(one));
  const three = await complete({ ...body, seed: 7, n: 3 });
  expect(three.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(new Set(texts(three)).size).toBe(3);
  expect(texts(three)[0]).toBe(texts(one)[0]);
});

test('a reply ends at a stop string, which it leaves out, or at max_tokens', async () => {
  const stopped = await complete({ prompt: 'Count: 1, 2, 3,', max_tokens: 40, temperature: 0, stop: [' 6'] });
  expect(stopped.choices[0]).toMatchObject({ text: ' 4, 5,', finish_reason: 'stop' });
  const cut = await complete({ prompt: 'Count: 1, 2, 3,', max_tokens: 4, temperature: 0 });
  expect(cut.choices[0]?.finish_reason).toBe('length');
  expect(cut.usage.completion_tokens).toBe(4);
});

test("the probabilities of the next token are the model's own, whatever the sampling", async () => {
  const body = { prompt: '<|im_start|>user\nRate this from 1 to 5. Score: ', max_tokens: 1, logprobs: 20 };
  const [cold, hot] = [await complete({ ...body, temperature: 0 }), await complete({ ...body, temperature: 2 })].map(
    ({ choices }) => choices[0]?.logprobs?.content[0]?.top_logprobs ?? [],
  );
  expect(cold).toHaveLength(20);
  expect(['1', '2', '3', '4', '5'].every((rating) => cold?.some(({ token }) => token === rating))).toBe(true);
  for (const [index, { token, logprob }] of (cold ?? []).entries()) {
    expect(hot?.[index]?.token).toBe(token);
    expect(hot?.[index]?.logprob).toBeCloseTo(logprob, 3);
  }
});

test('sampling is plain unless the request says otherwise: no llama.cpp cut-offs', async () => {
  const props = (await (await fetch(new URL('/slots', server.baseURL))).json()) as { params: Record<string, number> }[];
  await complete({ prompt: 'a', max_tokens: 1 });
  expect(props[0]?.params).toMatchObject({ temperature: 1, top_p: 1, top_k: 0, min_p: 0 });
});

test('more requests than it works on at once are all answered', async () => {
  const replies = await Promise.all(
    Array.from({ length: 10 }, async (_, seed) => await complete({ prompt: '<|im_start|>user\n', max_tokens: 8, seed })),
  );
  expect(replies.every(({ choices }) => choices.length === 1)).toBe(true);
});

test('a prompt that extends an earlier one finds it, although others with the same beginning came between', async () => {
  const rubric = 'Rate the answer for its truth, its order and its tone, and say in a few words what could be better. '.repeat(4);
  const ask = (more: string): Promise<Reply> => complete({ prompt: `${rubric}${more}`, max_tokens: 1 });
  await ask('The first answer is about the sea and about the wind.');
  for (const topic of ['snow', 'bread', 'light', 'stone']) await ask(`Another answer is about ${topic} and about nothing else at all.`);
  const { timings, usage } = await ask('The first answer is about the sea and about the wind. Score: ');
  expect(usage.prompt_tokens).toBeGreaterThan(90);
  expect(timings.prompt_n).toBeLessThan(8);
});
