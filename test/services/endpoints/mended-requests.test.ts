import { Endpoints } from '../../../services/endpoints/endpoints';
import type { ModelClient, ModelRequest } from '../../../services/endpoints/model-client';
import { FakeEndpoint, type Fault, type ReceivedRequest } from '../../support/fake-endpoint';
import { modelSpec } from '../../support/model-spec';

const NEVER = new AbortController().signal;
const REQUEST: ModelRequest = {
  path: 'chat/completions',
  body: { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 20, temperature: 1, top_p: 1, seed: 7, n: 3 },
  tokenEstimate: 25,
};

let endpoint: FakeEndpoint;
afterEach(async () => await endpoint.close());

async function start(
  faultOf: (request: ReceivedRequest) => Fault | undefined,
  spec: Parameters<typeof modelSpec>[0] = {},
): Promise<ModelClient> {
  endpoint = await FakeEndpoint.start({ faultOf });
  return new Endpoints({}).client('m', modelSpec({ baseURL: endpoint.baseURL, ...spec }));
}

const refusal = (error: object, status = 400): Fault => ({ kind: 'status', status, body: JSON.stringify({ error }) });
const bodies = (): Record<string, unknown>[] => endpoint.requests.map(({ body }) => body as unknown as Record<string, unknown>);

/** Refusals as OpenAI (o-series), Groq, and Gemini's compatible API write them. */
test.each([
  [
    "with the field's name",
    { message: "Unsupported value: 'n' does not support 3 with this model.", param: 'n', code: 'unsupported_value' },
  ],
  ['in words', { message: "'n' : number must be at most 1", type: 'invalid_request_error' }],
  ['without a name', { code: 400, message: 'Only one candidate can be specified in the current model', status: 'INVALID_ARGUMENT' }],
])('where several samples are refused (%s), one comes back, and the next request asks for one', async (_, error) => {
  const client = await start(({ body }) => ((body.n ?? 1) > 1 ? refusal(error) : undefined));
  const outcome = await client.call(REQUEST, { signal: NEVER });
  expect(outcome).toMatchObject({ reply: { choices: [{ index: 0 }] } });
  await client.call(REQUEST, { signal: NEVER });
  expect(bodies().map(({ n }) => n)).toEqual([3, undefined, undefined]);
});

/** Anthropic's sentence, as its own API, Bedrock and LiteLLM pass it on. */
test('top_p is left out at 1 where it is refused beside a temperature', async () => {
  const error = {
    type: 'invalid_request_error',
    message: '`temperature` and `top_p` cannot both be specified for this model. Please use only one.',
  };
  const client = await start(({ body }) => ('top_p' in body ? refusal(error) : undefined));
  expect(await client.call(REQUEST, { signal: NEVER })).toHaveProperty('reply');
  await client.call(REQUEST, { signal: NEVER });
  expect(bodies().map((body) => 'top_p' in body)).toEqual([true, false, false]);
  const { body } = REQUEST;
  expect(await client.call({ ...REQUEST, body: { ...body, top_p: 0.9 } }, { signal: NEVER })).toMatchObject({
    refusal: { param: 'top_p' },
  });
});

/** OpenAI's gpt-5 takes no top_p at all and names it; several fields of one request may be wrong. */
test('several fields are mended one after the other', async () => {
  const client = await start(({ body }) => {
    if ('top_p' in body) {
      return refusal({
        message: "Unsupported parameter: 'top_p' is not supported with this model.",
        param: 'top_p',
        code: 'unsupported_parameter',
      });
    }
    return (body.n ?? 1) > 1 ? refusal({ message: 'n must be 1' }) : undefined;
  });
  expect(await client.call(REQUEST, { signal: NEVER })).toHaveProperty('reply');
  expect(endpoint.requests).toHaveLength(3);
});

describe('where fewer alternatives are given', () => {
  const chat: ModelRequest = { ...REQUEST, body: { messages: [], max_tokens: 1, logprobs: true, top_logprobs: 20 } };
  const raw: ModelRequest = { path: 'completions', body: { prompt: 'x', max_tokens: 1, logprobs: 20 }, tokenEstimate: 2 };

  test.each([
    ['as many as the endpoint says', 8, 'top_logprobs must be less than or equal to 8', [20, 8]],
    ['ten, then five, where it says no number', 5, 'too many top_logprobs', [20, 10, 5]],
  ])('%s are asked for', async (_, most, message, asked) => {
    const client = await start(({ body }) => ((body.top_logprobs ?? 0) > most ? refusal({ message, param: 'top_logprobs' }) : undefined));
    expect(await client.call(chat, { signal: NEVER })).toHaveProperty('reply');
    expect(bodies().map(({ top_logprobs: top }) => top)).toEqual(asked);
  });

  test('of raw completions too', async () => {
    const client = await start(({ body }) =>
      Number(body.logprobs ?? 0) > 5 ? refusal({ message: 'logprobs: must be in 0..5' }) : undefined,
    );
    expect(await client.call(raw, { signal: NEVER })).toHaveProperty('reply');
    expect(bodies().map(({ logprobs }) => logprobs)).toEqual([20, 5]);
  });

  test('and none at all, the way out is another reading of scores', async () => {
    const error = {
      message: "Unsupported parameter: 'logprobs' is not supported with this model.",
      param: 'logprobs',
      code: 'unsupported_parameter',
    };
    const client = await start(({ body }) => (body.logprobs === undefined ? undefined : refusal(error)));
    await expect(client.call(chat, { signal: NEVER })).rejects.toThrow(/'logprobs' is not supported.*set synthesis\.judge\.scoring: text/);
    expect(endpoint.requests.length).toBeLessThanOrEqual(3);
  });
});

describe('a refusal that nothing mends', () => {
  test.each([
    [
      'max_tokens',
      {
        message: "Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead.",
        param: 'max_tokens',
        code: 'unsupported_parameter',
      },
      'rename: {max_tokens: max_completion_tokens}',
    ],
    [
      'temperature',
      {
        message: "Unsupported value: 'temperature' does not support 0.2 with this model.",
        param: 'temperature',
        code: 'unsupported_value',
      },
      'omit: [temperature]',
    ],
  ])('of %s names the field and the line that mends it', async (field, error, line) => {
    const client = await start(({ body }) => (field in body ? refusal(error) : undefined));
    const single = { ...REQUEST, body: { ...REQUEST.body, n: undefined } };
    await expect(client.call(single, { signal: NEVER })).rejects.toThrow(`request: {${line}}`);
  });

  test('and has nothing to do with n is told as it first was', async () => {
    const client = await start(({ number }) => refusal({ message: `refusal ${number}` }));
    expect(await client.call(REQUEST, { signal: NEVER })).toMatchObject({ refusal: { message: '400 refusal 1' } });
  });
});

test('what a spec says of its requests reaches the endpoint', async () => {
  endpoint = await FakeEndpoint.start();
  const request = {
    body: { top_k: 5 },
    query: { 'api-version': '1' },
    headersEnv: { 'Api-Key': 'AZURE_KEY' },
    omit: ['seed'],
    rename: { max_tokens: 'max_completion_tokens' },
  };
  const client = new Endpoints({ AZURE_KEY: 'secret-of-azure' }).client('m', modelSpec({ baseURL: endpoint.baseURL, request }));
  await client.call(REQUEST, { signal: NEVER }).catch(() => undefined); // the fake endpoint has no route with a query
  const [received] = endpoint.requests;
  expect(received?.path).toBe('chat/completions?api-version=1');
  expect(received?.headers).toMatchObject({ 'api-key': 'secret-of-azure' });
  expect(received?.headers).not.toHaveProperty('authorization');
  expect(received?.body).toMatchObject({ model: 'fake-model', max_completion_tokens: 20, top_k: 5 });
  expect(received?.body).not.toHaveProperty('seed');
  expect(received?.body).not.toHaveProperty('max_tokens');
});

describe('no field of an error shows a key', () => {
  const KEY = 'a8Tq4WmZx0Rb7LpVnK2dEyHs93Uc';

  async function failureOf(fault: Fault): Promise<string> {
    endpoint = await FakeEndpoint.start({ faultOf: () => fault });
    const client = new Endpoints({ KEY }).client('m', modelSpec({ baseURL: endpoint.baseURL, apiKeyEnv: 'KEY' }));
    const said: unknown = await client.call(REQUEST, { signal: NEVER }).catch((error: unknown) => error);
    const texts = [JSON.stringify(said)];
    for (let cause: unknown = said; cause instanceof Error; cause = cause.cause) {
      texts.push(cause.message, cause.stack ?? '', JSON.stringify(Object.entries(cause)));
    }
    return texts.join('\n');
  }

  test.each([
    ['its param', refusal({ message: 'bad', param: KEY, code: 'invalid' })],
    ['its param, of a field that is not known', refusal({ message: 'bad', param: KEY, code: 'unknown_parameter' })],
    ['its code', refusal({ message: 'bad', code: KEY })],
    ['its words, cut', refusal({ message: `Incorrect API key provided: ${KEY.slice(0, 24)}`, code: 'invalid_api_key' }, 401)],
    ['a page', { kind: 'status', status: 400, body: `<html><title>${KEY}</title></html>` }],
    ['where it redirects to', { kind: 'status', status: 302, headers: { location: `https://x.example/${KEY}` } }],
    ['a validation', { kind: 'status', status: 422, body: JSON.stringify({ detail: [{ loc: ['header', KEY], msg: KEY, type: KEY }] }) }],
  ] as [string, Fault][])('in %s', async (_, fault) => {
    const said = await failureOf(fault);
    expect(said).not.toBe('');
    for (let start = 0; start + 8 <= KEY.length; start++) expect(said).not.toContain(KEY.slice(start, start + 8));
  });
});
