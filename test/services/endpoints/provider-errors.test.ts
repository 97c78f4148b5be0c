import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync, brotliCompressSync, deflateSync } from 'node:zlib';
import { PermanentEndpointError } from '../../../services/endpoints/endpoint-errors';
import { statusError } from '../../../services/endpoints/error-body';
import { createModelClient, type ModelClient } from '../../../services/endpoints/model-client';
import { classifyModelError, type ModelFailure } from '../../../services/endpoints/model-errors';
import { EndpointLimiter } from '../../../services/limits/limiter';
import { modelSpec } from '../../support/model-spec';

const google = (message: string, details: unknown[], code = 400) => [{ error: { code, message, status: 'INVALID_ARGUMENT', details } }];
const retryInfo = (retryDelay: string) => ({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay });

/** Bodies as the providers' references and trackers show them. */
const ERRORS: [name: string, status: number, body: unknown, expected: Partial<ModelFailure>][] = [
  [
    'Anthropic without credit',
    402,
    { type: 'error', error: { type: 'billing_error', message: 'Your credit balance is too low' } },
    { kind: 'quota' },
  ],
  [
    'a key of LiteLLM whose budget is spent',
    400,
    { error: { message: 'Budget has been exceeded!', type: 'budget_exceeded', param: null, code: '400' } },
    { kind: 'quota', scope: 'permanent' },
  ],
  [
    'Moonshot without credit',
    429,
    { error: { message: 'suspended, please check your plan', type: 'exceeded_current_quota_error' } },
    { kind: 'quota', scope: 'permanent' },
  ],
  [
    'Alibaba with an account in arrears',
    400,
    { code: 'Arrearage', message: 'Access denied, please make sure your account is in good standing.' },
    { kind: 'quota' },
  ],
  [
    "Gemini's limit with the time to wait",
    429,
    google('Resource has been exhausted', [{ '@type': 'QuotaFailure' }, retryInfo('34.07s')], 429),
    { kind: 'rate_limited', scope: 'transient', waitMs: 34_070 },
  ],
  ["Gemini's limit of a day", 429, google('quota', [retryInfo('86400s')], 429), { kind: 'rate_limited', waitMs: 600_000 }],
  [
    "Gemini's wrong key, which comes with 400",
    400,
    google('API key not valid.', [{ reason: 'API_KEY_INVALID', domain: 'googleapis.com' }]),
    { kind: 'auth', scope: 'permanent' },
  ],
  [
    'a field that Google names by its path',
    400,
    google('out of range', [{ fieldViolations: [{ field: 'generation_config.top_p', description: 'too large' }] }]),
    { kind: 'refused', param: 'top_p' },
  ],
  ["Google's name for n", 400, google('only one', [{ fieldViolations: [{ field: 'generation_config.candidate_count' }] }]), { param: 'n' }],
  [
    "Mistral's unknown model, which comes with 400",
    400,
    { object: 'error', message: 'Invalid model: foo', type: 'invalid_model', param: null, code: '1500' },
    { kind: 'not_found', scope: 'permanent' },
  ],
  [
    "the router's unknown model, which comes with 400",
    400,
    {
      error: { message: "The requested model 'x' does not exist", type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
    },
    { kind: 'not_found' },
  ],
  [
    'what is behind a gateway',
    400,
    {
      error: {
        message: 'Provider returned error',
        code: 400,
        metadata: {
          raw: '{"error":{"message":"Unsupported parameter: \'max_tokens\'","param":"max_tokens","code":"unsupported_parameter"}}',
          provider_name: 'OpenAI',
        },
      },
    },
    { kind: 'unsupported', param: 'max_tokens', message: "400 Provider returned error: Unsupported parameter: 'max_tokens'" },
  ],
  [
    'words behind a gateway',
    429,
    {
      error: {
        message: 'Provider returned error',
        code: 429,
        metadata: { raw: 'x/y is temporarily rate-limited upstream', provider_name: 'Z' },
      },
    },
    { kind: 'rate_limited', message: '429 Provider returned error: x/y is temporarily rate-limited upstream' },
  ],
  [
    "xAI's check of a prompt, which comes with 403",
    403,
    { code: 'The caller does not have permission', error: 'Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO' },
    { kind: 'content_filter', scope: 'item' },
  ],
  [
    "Alibaba's check of a prompt",
    400,
    { error: { code: 'data_inspection_failed', message: 'Input data may contain inappropriate content.', type: 'data_inspection_failed' } },
    { kind: 'content_filter', scope: 'item' },
  ],
  ["Moonshot's filter, told as a type", 400, { error: { message: 'high risk', type: 'content_filter' } }, { kind: 'content_filter' }],
  [
    "Groq's flex tier that is full",
    498,
    { error: { message: 'capacity exceeded', type: 'capacity' } },
    { kind: 'overloaded', scope: 'transient', overloaded: true },
  ],
  [
    "Google's cancellation",
    499,
    [{ error: { code: 499, message: 'The operation was cancelled.', status: 'CANCELLED' } }],
    { scope: 'transient' },
  ],
  [
    'Anthropic under load',
    529,
    { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    { kind: 'overloaded', message: '529 Overloaded' },
  ],
];

test.each(ERRORS)('%s is told apart', (_, status, body, expected) => {
  expect(classifyModelError(statusError(status, body, new Headers()), 0)).toMatchObject(expected);
});

const GOOD = JSON.stringify({ choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }], usage: null });
const REQUEST = { path: 'chat/completions', body: { messages: [], max_tokens: 8 }, tokenEstimate: 10 } as const;
const options = { signal: new AbortController().signal };

/** A client of an endpoint that answers each request with the next of these, and then with the last. */
async function withEndpoint(
  answers: readonly ((response: ServerResponse) => void)[],
  body: (client: ModelClient) => Promise<void>,
): Promise<void> {
  let number = 0;
  const server = createServer((request, response) => {
    request.resume().once('end', () => answers[Math.min(number++, answers.length - 1)]!(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  try {
    await body(
      createModelClient({
        name: 'm',
        spec: modelSpec({ baseURL }),
        limiter: new EndpointLimiter({ concurrency: 4 }),
        env: {},
        random: () => 0,
      }),
    );
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const send =
  (status: number, text: string | Buffer, headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);

test.each([
  ['gzip', gzipSync(GOOD)],
  ['br', brotliCompressSync(GOOD)],
  ['deflate', deflateSync(GOOD)],
])('a reply that comes in %s, though nobody asked for it, is read', async (encoding, body) => {
  await withEndpoint([send(200, body, { 'content-encoding': encoding })], async (client) => {
    expect(await client.call(REQUEST, options)).toMatchObject({ text: GOOD });
  });
});

test('a small body that unpacks to more than was asked for is no reply, and its error is read no further than it should', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
  await withEndpoint([send(400, bomb, { 'content-encoding': 'gzip' }), send(200, bomb, { 'content-encoding': 'gzip' })], async (client) => {
    expect(await client.call(REQUEST, options)).toMatchObject({ refusal: { kind: 'refused', status: 400 } });
    await expect(client.call(REQUEST, options)).rejects.toThrow('longer than what was asked for takes');
  });
}, 60_000);

test('an endpoint that streams unless it is told not to ends the run with the line that says so', async () => {
  const events = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n';
  await withEndpoint([send(200, events, { 'content-type': 'text/event-stream' })], async (client) => {
    const error = await client.call(REQUEST, options).catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(PermanentEndpointError);
    expect((error as Error).message).toContain('a stream of events');
    expect((error as Error).message).toContain('request: {body: {stream: false}}');
  });
}, 60_000);

test('an address that answers everything with an error and status 200 ends the run, one that had answered before is waited for', async () => {
  const wrong = send(200, '{"error":"Unexpected endpoint or method. (POST /v1/chat/completions). Returning 200 anyway"}');
  await withEndpoint([wrong], async (client) => {
    await expect(client.call(REQUEST, options)).rejects.toThrow(/Unexpected endpoint.*baseURL does not seem to be/);
  });
  await withEndpoint([send(200, GOOD), wrong, wrong, wrong, wrong, wrong, send(200, GOOD)], async (client) => {
    await client.call(REQUEST, options);
    expect(await client.call(REQUEST, options)).toMatchObject({ text: GOOD });
  });
}, 60_000);

test('a page with 403 ends the run as a wrong key does, unless others were answered: then a firewall took this prompt for an attack', async () => {
  const page = send(403, '<html><head><title>Attention Required! | Cloudflare</title></head></html>', {
    'content-type': 'text/html; charset=UTF-8',
  });
  await withEndpoint([page], async (client) => {
    await expect(client.call(REQUEST, options)).rejects.toThrow(PermanentEndpointError);
  });
  await withEndpoint([send(200, GOOD), page, send(403, '{"error":{"message":"revoked"}}')], async (client) => {
    await client.call(REQUEST, options);
    expect(await client.call(REQUEST, options)).toMatchObject({ refusal: { kind: 'auth', status: 403 } });
    await expect(client.call(REQUEST, options)).rejects.toThrow(PermanentEndpointError);
  });
});
