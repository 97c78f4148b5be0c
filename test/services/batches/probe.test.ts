import type { RunSpec, RunSpecInput } from '../../../config/spec';
import { probeModel } from '../../../services/batches/probe';
import { warningNotes } from '../../../services/batches/probe-notes';
import { probeRequests } from '../../../services/batches/probe-requests';
import { Endpoints } from '../../../services/endpoints/endpoints';
import { DialectServer, type Dialect } from '../../support/dialect-server';
import { DIALECTS } from '../../support/dialects';
import { smallSpec } from '../../support/small-spec';

const NEVER = new AbortController().signal;
let server: DialectServer;
afterEach(async () => await server.close());

/** As a judge and generator alone, unless the change says otherwise. */
async function specFor(dialect: Dialect, change: (spec: RunSpecInput) => void = () => undefined): Promise<RunSpec> {
  server = await DialectServer.start(dialect);
  return smallSpec('http://127.0.0.1:1/v1', (spec) => {
    spec.models['other'] = { baseURL: server.baseURL, model: 'model', apiKeyEnv: 'KEY' };
    change(spec);
  });
}

async function probe(dialect: Dialect, change?: (spec: RunSpecInput) => void): ReturnType<typeof probeModel> {
  const spec = await specFor(dialect, change);
  return await probeModel({ endpoints: new Endpoints({ KEY: 'k-1234567890' }), spec, name: 'other', signal: NEVER });
}

const asTarget = (spec: RunSpecInput): void => {
  spec.target = { ...spec.target, model: 'other' };
  spec.models['other']!.template = { preQuery: '<s>[INST]', stop: [], bos: '<s>' };
};
const withProbabilities = (spec: RunSpecInput): void => void Object.assign(spec.synthesis.judge, { scoring: 'expected' });

test('an endpoint that takes everything needs no setting, and no more than five requests', async () => {
  const { settings } = await probe(DIALECTS['vLLM']!, (spec) => {
    asTarget(spec);
    spec.models['other']!.template = 'llama-3';
    withProbabilities(spec);
  });
  expect(settings).toEqual({});
  expect(server.requests.length).toBeLessThanOrEqual(5);
  expect(server.requests.every(({ body }) => Number(body.max_tokens) <= 16)).toBe(true);
});

test.each([
  ['Gemini, compatible API', { request: { omit: ['seed'] }, supportsN: false }],
  ['Groq', { supportsN: false }],
  ['DeepSeek', { supportsN: false }],
  ['Anthropic, compatible API', { supportsN: false }],
  ['A LiteLLM proxy', { request: { omit: ['seed'] }, supportsN: false }],
  ['Mistral', { request: { omit: ['seed'] } }],
] as const)('%s: what it lacks is found', async (name, settings) => {
  expect((await probe(DIALECTS[name]!)).settings).toEqual(settings);
});

test('another name for max_tokens is found; a temperature that is refused is for a person to decide, who is told the line', async () => {
  const reasoning = DIALECTS['OpenAI: o-series, gpt-5']!;
  const refused = probe(reasoning);
  await expect(refused).rejects.toThrow(
    /'temperature' does not support 0 .*add this line to the model under models in the spec: request: \{omit: \[temperature\]\}$/,
  );
  await expect(refused).rejects.toMatchObject({ settings: { request: { rename: { max_tokens: 'max_completion_tokens' } } } });
  await server.close();
  const { settings } = await probe(reasoning, (spec) => (spec.models['other']!.request = { omit: ['temperature'] }));
  expect(settings).toEqual({ request: { rename: { max_tokens: 'max_completion_tokens' } } });
});

test('fewer logprobs are found, and none where scores are read from them', async () => {
  const fireworks = await probe(DIALECTS['Fireworks']!, withProbabilities);
  expect(fireworks.settings).toEqual({ request: { body: { top_logprobs: 5 } } });
  await server.close();
  await expect(probe(DIALECTS['Groq']!, withProbabilities)).rejects.toThrow(
    /'logprobs' is unsupported.*set synthesis\.judge\.scoring: text/,
  );
  await server.close();
  await expect(probe(DIALECTS['LM Studio']!, withProbabilities)).rejects.toThrow(/gives no logprobs; .*scoring: text/);
});

test('a target whose raw prompts are put into a chat template is refused, with the way out', async () => {
  await expect(probe(DIALECTS['Ollama']!, asTarget)).rejects.toThrow(
    /puts raw prompts into a chat template \(a prompt of one token counts as 10\).*serve the same weights with an engine whose \/completions takes raw prompts/,
  );
});

/** A server with raw completions that counts prompt tokens in its own way. */
function counting(count: (tokens: number) => number): Dialect {
  return {
    ...DIALECTS['Together']!,
    shape: (reply) => {
      const usage = reply['usage'] as { prompt_tokens: number };
      return { ...reply, usage: { ...usage, prompt_tokens: count(usage.prompt_tokens) } };
    },
  };
}

test.each([
  ['a short template of three tokens (Alpaca-like)', (tokens: number) => tokens + 3],
  ['a long default system turn', (tokens: number) => tokens + 24],
  ['a template, by a tokenizer of several tokens a letter', (tokens: number) => 2 * tokens + 7],
])('raw prompts within %s are told by the tokens that do not grow with the prompt', async (_, count) => {
  await expect(probe(counting(count), asTarget)).rejects.toThrow(/puts raw prompts into a chat template/);
});

test.each([
  ['nothing around them', (tokens: number) => tokens, undefined],
  ['a tokenizer of several tokens a letter', (tokens: number) => 4 * tokens, undefined],
  ['a BOS', (tokens: number) => tokens + 1, true],
  ['a BOS and an EOS', (tokens: number) => tokens + 2, true],
])('raw prompts with %s are no template', async (_, count, addsBos) => {
  expect((await probe(counting(count), asTarget)).settings.addsBos).toBe(addsBos);
});

const openai = (message: string, code: string | null, param: string | null = null): object => ({
  error: { message, type: 'invalid_request_error', param, code },
});

test.each<[string, number, unknown]>([
  ['an address that is not there (OpenAI-compatible APIs)', 404, openai('Invalid URL (POST /v1/completions)', null)],
  [
    'a model of chats (OpenAI)',
    404,
    openai(
      'This is a chat model and not supported in the v1/completions endpoint. Did you mean to use v1/chat/completions?',
      null,
      'model',
    ),
  ],
  [
    'an operation that the model lacks (Azure)',
    400,
    openai('The completion operation does not work with the specified model.', 'OperationNotSupported'),
  ],
  ['a path of its own (DeepSeek)', 400, openai('completions api is only available when using beta api', 'invalid_request_error')],
  ['a gateway without that route (Mistral)', 404, { message: 'no Route matched with those values' }],
  ['a method that is not allowed', 405, '<html><title>405 Not Allowed</title></html>'],
])('a target that answers chats alone is refused as such: %s', async (_, status, body) => {
  const dialect: Dialect = { ...DIALECTS['DeepSeek']!, refuses: ({ path }) => (path === 'completions' ? { status, body } : undefined) };
  const refused = probe(dialect, asTarget);
  await expect(refused).rejects.toThrow(
    /^model "other" at .* answers chats and takes no raw completions .* can generate and judge for a run and cannot be its target.*serve the weights/,
  );
  await expect(refused).rejects.toMatchObject({ settings: { supportsN: false } });
});

test('a key or a field that is refused with a raw prompt is no sign of an API for chats alone', async () => {
  const refuses = (status: number, body: object): Dialect => ({
    ...DIALECTS['vLLM']!,
    refuses: ({ path }) => (path === 'completions' ? { status, body } : undefined),
  });
  await expect(probe(refuses(401, openai('Wrong key', 'invalid_api_key')), asTarget)).rejects.toThrow(/check the key/);
  await server.close();
  await expect(probe(refuses(400, openai('stop is too long', null, 'stop')), asTarget)).rejects.toThrow(/request: \{omit: \[stop\]\}/);
});

test.each([
  ['llama.cpp', { addsBos: true, supportsN: undefined }],
  ['vLLM', {}],
  ['SGLang', {}],
  ['Together', {}],
])('%s: whether it puts a BOS before raw prompts by itself', async (name, { addsBos }: { addsBos?: boolean }) => {
  expect((await probe(DIALECTS[name]!, asTarget)).settings.addsBos).toBe(addsBos);
});

test.each<[string, number, object]>([
  [
    'a least number of tokens, by its field',
    400,
    openai("Invalid 'max_tokens': integer below minimum value. Expected >= 16", 'integer_below_min_value', 'max_tokens'),
  ],
  [
    'one of its own API behind a gateway',
    400,
    openai("Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 1.", null),
  ],
  [
    'a reasoning model without room',
    400,
    openai('Could not finish the message because max_tokens or model output limit was reached.', null),
  ],
  ['a server that validates', 422, { detail: [{ type: 'greater_than_equal', loc: ['body', 'max_tokens'], msg: 'should be at least 32' }] }],
])('%s is no refusal: the question gets more room', async (_, status, body) => {
  const dialect: Dialect = {
    ...DIALECTS['vLLM']!,
    refuses: ({ body: asked }) => (Number(asked.max_tokens) < 1024 ? { status, body } : undefined),
  };
  expect((await probe(dialect, asTarget)).settings).toEqual({});
});

test('a question that the content filter holds back says nothing of the endpoint, and ends no run', async () => {
  const dialect: Dialect = {
    ...DIALECTS['vLLM']!,
    refuses: ({ path }) =>
      path === 'completions' ? undefined : { status: 400, body: openai('The response was filtered', 'content_filter') },
  };
  const { settings, notes } = await probe(dialect, asTarget);
  expect(settings).toEqual({});
  expect(notes).toContain('its content filter held a question of the probe back, so less is known of it');
});

test('notes tell of thoughts, ends and usage', async () => {
  expect((await probe(DIALECTS['DeepSeek']!)).notes).toEqual(['its thoughts come beside the answer, as reasoning_content']);
  await server.close();
  const silent: Dialect = {
    ...DIALECTS['vLLM']!,
    shape: ({ usage, ...reply }) => ({
      ...reply,
      choices: (reply['choices'] as object[]).map((choice) => ({ ...choice, finish_reason: usage === null ? '' : null })),
    }),
  };
  const { notes, settings } = await probe(silent);
  expect(notes).toEqual([
    'it does not tell how replies end, so a reply that breaks off counts as whole',
    'it tells no usage, so its calls count at their worst case',
  ]);
  expect(settings).toEqual({ tellsEnds: false });
});

test('what is tried is what the stages send', async () => {
  const spec = await specFor(DIALECTS['vLLM']!, (input) => {
    asTarget(input);
    input.synthesis.respond.samples = 3;
    input.models['other']!.supportsN = true;
  });
  const asked = probeRequests(spec, 'other');
  expect(asked.map(({ wants }) => wants)).toEqual(['samples', 'reply', 'raw']);
  expect(asked.map(({ request }) => Object.keys(request.body).sort())).toEqual([
    ['max_tokens', 'messages', 'n', 'seed', 'temperature', 'top_p'],
    ['max_tokens', 'messages', 'seed', 'temperature', 'top_p'],
    ['add_special_tokens', 'max_tokens', 'prompt', 'seed', 'stop', 'temperature', 'top_p'],
  ]);
});

test('that cached tokens are told is a warning only where they lack a price of their own', () => {
  const notes = ['it tells no usage, so its calls count at their worst case', 'it tells cached prompt tokens'];
  const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 2 };
  expect(warningNotes(notes, price)).toEqual(notes);
  expect(warningNotes(notes, { ...price, cachedInputUsdPerMillion: 0.1 })).toEqual(notes.slice(0, 1));
  expect(warningNotes(notes, undefined)).toEqual(notes.slice(0, 1));
});
