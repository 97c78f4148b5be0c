import { EndpointUnavailableError, PermanentEndpointError } from '../../../services/endpoints/endpoint-errors';
import { createModelClient, type ModelClientOptions, type ModelRequest } from '../../../services/endpoints/model-client';
import type { ModelFailure } from '../../../services/endpoints/model-errors';
import { EndpointLimiter } from '../../../services/limits/limiter';
import { FakeEndpoint, type FakeEndpointOptions } from '../../support/fake-endpoint';
import { modelSpec } from '../../support/model-spec';

const KEY = 'sk-proj-1234567890abcdef';
const NEVER = new AbortController().signal;
const REQUEST: ModelRequest = {
  path: 'completions',
  body: { prompt: '<|user|>', seed: 7, max_tokens: 20, add_special_tokens: false },
  tokenEstimate: 25,
};
/** Keeps waits between tries short without touching how long they are counted. */
const SOON = { 'retry-after-ms': '1' };

let endpoint: FakeEndpoint;
afterEach(async () => {
  await endpoint.close();
  delete process.env['OPENAI_API_KEY'];
  delete process.env['OPENAI_ORG_ID'];
  delete process.env['OPENAI_PROJECT_ID'];
});

async function start(
  options: FakeEndpointOptions = {},
  { spec = {}, ...client }: { spec?: Parameters<typeof modelSpec>[0] } & Partial<Omit<ModelClientOptions, 'spec'>> = {},
) {
  endpoint = await FakeEndpoint.start(options);
  const limiter = client.limiter ?? new EndpointLimiter({ concurrency: 8 });
  return {
    limiter,
    client: createModelClient({
      name: 'llama',
      spec: modelSpec({ baseURL: endpoint.baseURL, ...spec }),
      limiter,
      env: {},
      random: () => 0,
      ...client,
    }),
  };
}

test('a call sends the model id and the body as it is, and returns the raw reply', async () => {
  const { client } = await start();
  const outcome = await client.call(REQUEST, { signal: NEVER });
  expect(endpoint.requests).toHaveLength(1);
  expect(endpoint.requests[0]).toMatchObject({ path: 'completions', body: { model: 'fake-model', ...REQUEST.body } });
  expect(outcome).toMatchObject({ reply: { object: 'text_completion', choices: [{ index: 0 }], usage: { prompt_tokens: 5 } } });
});

test('the key of the environment variable that the spec names is sent, and no other of the worker', async () => {
  process.env['OPENAI_API_KEY'] = 'sk-of-the-worker';
  process.env['OPENAI_ORG_ID'] = 'org-of-the-worker';
  process.env['OPENAI_PROJECT_ID'] = 'project-of-the-worker';
  const { client } = await start({}, { spec: { apiKeyEnv: 'LLAMA_KEY' }, env: { LLAMA_KEY: KEY } });
  await client.call(REQUEST, { signal: NEVER });
  expect(endpoint.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  expect(JSON.stringify(endpoint.requests[0]?.headers)).not.toContain('of-the-worker');
});

test("without a key in the spec, the worker's own key stays at home", async () => {
  process.env['OPENAI_API_KEY'] = 'sk-of-the-worker';
  const { client } = await start();
  await client.call(REQUEST, { signal: NEVER });
  expect(endpoint.requests[0]?.headers.authorization).toBe('Bearer none');
});

test("a key that is not set is told by the variable's name, before any call", async () => {
  await expect(start({}, { spec: { apiKeyEnv: 'LLAMA_KEY' }, env: { LLAMA_KEY: '' } })).rejects.toThrow(
    new PermanentEndpointError(
      'model "llama" needs an API key, but the environment variable LLAMA_KEY is not set on this llm worker; set it and start the worker again',
    ),
  );
});

test('transient faults are retried, told, and never retried by the SDK itself', async () => {
  const { client } = await start();
  endpoint.inject({ kind: 'status', status: 503, headers: SOON });
  endpoint.inject({ kind: 'status', status: 429, headers: SOON });
  endpoint.inject({ kind: 'reset' });
  endpoint.inject({ kind: 'truncated-json' });
  const told: ModelFailure[] = [];
  const outcome = await client.call(REQUEST, { signal: NEVER, onTransient: (failure) => told.push(failure) });
  expect(outcome).toHaveProperty('reply');
  expect(told.map(({ kind }) => kind)).toEqual(['overloaded', 'rate_limited', 'connection', 'bad_body']);
  expect(endpoint.requests).toHaveLength(5);
});

test('a refusal for load cuts the limiter, another fault does not', async () => {
  const { client, limiter } = await start();
  endpoint.inject({ kind: 'status', status: 500, headers: SOON });
  await client.call(REQUEST, { signal: NEVER });
  expect(limiter.currentConcurrency).toBe(8);
  endpoint.inject({ kind: 'status', status: 429, headers: SOON });
  await client.call(REQUEST, { signal: NEVER });
  expect(limiter.currentConcurrency).toBe(4);
});

test.each(['hang', 'slow-body'] as const)('a request that takes too long (%s) is made again', async (kind) => {
  const { client } = await start({}, { spec: { limits: { timeoutMs: 1_000 } } });
  endpoint.inject({ kind });
  const told: string[] = [];
  expect(await client.call(REQUEST, { signal: NEVER, onTransient: (failure) => told.push(failure.kind) })).toHaveProperty('reply');
  expect(told).toEqual(['timeout']);
});

test.each([
  ['a page instead of JSON', { kind: 'body', body: '<html>Sign in</html>', contentType: 'text/html' }, 'bad_body'],
  ['an empty body', { kind: 'body', body: '' }, 'bad_body'],
  ['JSON that is no object', { kind: 'body', body: '"ok"' }, 'bad_body'],
  ['an error of a gateway with status 200', { kind: 'body', body: '{"error":{"code":503,"message":"upstream is busy"}}' }, 'overloaded'],
  ['an error without a code with status 200', { kind: 'body', body: '{"error":{"message":"upstream is busy"}}' }, 'bad_body'],
  ['a list of choices that is null', { kind: 'body', body: '{"choices":null}' }, 'bad_body'],
  ['another object', { kind: 'body', body: '{"status":"ok"}' }, 'bad_body'],
] as const)('%s is a transient fault, not a reply to keep', async (_, fault, kind) => {
  const { client } = await start();
  endpoint.inject(fault);
  const told: string[] = [];
  expect(await client.call(REQUEST, { signal: NEVER, onTransient: (failure) => told.push(failure.kind) })).toHaveProperty('reply.choices');
  expect(told).toEqual([kind]);
});

test('JSON under another content type is a reply all the same', async () => {
  const { client } = await start();
  endpoint.inject({ kind: 'body', body: '{"choices":[{"text":"hello"}]}', contentType: 'text/plain' });
  expect(await client.call(REQUEST, { signal: NEVER })).toMatchObject({ reply: { choices: [{ text: 'hello' }] } });
});

test("a reply without choices is a reply: what to make of it is the stage's business", async () => {
  const { client } = await start();
  endpoint.inject({ kind: 'empty-choices' });
  expect(await client.call(REQUEST, { signal: NEVER })).toMatchObject({ reply: { choices: [] } });
});

test('a refusal of this one request is a result', async () => {
  const { client, limiter } = await start({ contextTokens: 10 });
  const outcome = await client.call(REQUEST, { signal: NEVER });
  expect(outcome).toMatchObject({ refusal: { scope: 'item', kind: 'context_overflow', status: 400 } });
  expect('refusal' in outcome && outcome.refusal.message).toContain('maximum context length is 10 tokens');
  expect(endpoint.requests).toHaveLength(1);
  expect(limiter.currentConcurrency).toBe(8);
});

test('a server that does not take n is asked for one sample', async () => {
  const { client } = await start({ supportsN: false });
  expect(await client.call({ ...REQUEST, body: { ...REQUEST.body, n: 3 } }, { signal: NEVER })).toMatchObject({
    reply: { choices: [{ index: 0 }] },
  });
  expect(endpoint.requests.map(({ body }) => body.n)).toEqual([3, undefined]);
});

test('a wrong key ends it at once, with the way out and without the key', async () => {
  const { client } = await start({ apiKey: 'the-right-one' }, { spec: { apiKeyEnv: 'LLAMA_KEY' }, env: { LLAMA_KEY: KEY } });
  const error: unknown = await client.call(REQUEST, { signal: NEVER }).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(PermanentEndpointError);
  expect((error as Error).message).toBe(
    `model "llama" at ${endpoint.baseURL} refuses every call (HTTP 401): 401 Incorrect API key provided: [redacted].; ` +
      'check the key in the environment variable that apiKeyEnv names, on the machine of the llm worker',
  );
  expect(endpoint.requests).toHaveLength(1);
});

test('an unknown model ends it at once and says where to look', async () => {
  const { client } = await start({ models: ['another-model'] });
  await expect(client.call(REQUEST, { signal: NEVER })).rejects.toThrow(
    /The model "fake-model" does not exist\.; check baseURL .* and the model id; GET baseURL\/models lists what is served/,
  );
});

test('an empty account ends it at once', async () => {
  const { client } = await start();
  endpoint.inject({ kind: 'status', status: 429, code: 'insufficient_quota' });
  await expect(client.call(REQUEST, { signal: NEVER })).rejects.toThrow(/the account has no credit left; add some and resume the run/);
});

test('an endpoint that stays away is given back to Temporal, as something to try again', async () => {
  const { client } = await start({}, { giveUpAfterMs: -1 });
  endpoint.inject({ kind: 'status', status: 503, message: 'loading the model' });
  await expect(client.call(REQUEST, { signal: NEVER })).rejects.toThrow(
    new EndpointUnavailableError(
      `model "llama" at ${endpoint.baseURL} has not answered for a long time (overloaded: 503 loading the model); it will be tried again`,
    ),
  );
});

test('a call that has begun is let finish when everything is told to stop: it is paid for', async () => {
  const { client } = await start();
  endpoint.hold();
  const controller = new AbortController();
  const call = client.call(REQUEST, { signal: controller.signal });
  await endpoint.received(1);
  controller.abort(new Error('stopped'));
  endpoint.release();
  expect(await call).toHaveProperty('reply');
});

test('a call that waits for another try stops at once', async () => {
  const { client } = await start();
  endpoint.inject({ kind: 'status', status: 503, headers: { 'retry-after': '600' } });
  const controller = new AbortController();
  const reason = new Error('stopped');
  const call = client.call(REQUEST, { signal: controller.signal, onTransient: () => setImmediate(() => controller.abort(reason)) });
  await expect(call).rejects.toBe(reason);
  expect(endpoint.requests).toHaveLength(1);
});

test('failed calls give their permit back', async () => {
  const { client } = await start({}, { limiter: new EndpointLimiter({ concurrency: 1 }) });
  endpoint.inject({ kind: 'status', status: 400 });
  endpoint.inject({ kind: 'status', status: 404 });
  expect(await client.call(REQUEST, { signal: NEVER })).toHaveProperty('refusal');
  await expect(client.call(REQUEST, { signal: NEVER })).rejects.toThrow(PermanentEndpointError);
  expect(await client.call(REQUEST, { signal: NEVER })).toHaveProperty('reply');
});
