import { APIConnectionError, APIUserAbortError } from 'openai';
import { createEndpointTransport } from '../../../services/endpoints/endpoint-transport';
import { classifyModelError, type ModelFailure } from '../../../services/endpoints/model-errors';
import { FakeEndpoint, type Fault } from '../../support/fake-endpoint';

const NOW = Date.now();

let endpoint: FakeEndpoint;
beforeAll(async () => {
  endpoint = await FakeEndpoint.start();
});
afterAll(async () => await endpoint.close());

const status = (code: number, extra: Partial<Extract<Fault, { kind: 'status' }>> = {}): Fault => ({
  kind: 'status',
  status: code,
  ...extra,
});

const faults: [name: string, fault: Fault, expected: Partial<ModelFailure>][] = [
  ['429', status(429), { scope: 'transient', kind: 'rate_limited', status: 429, overloaded: true }],
  [
    '429 with Retry-After',
    status(429, { headers: { 'retry-after': '7' } }),
    { scope: 'transient', kind: 'rate_limited', waitMs: 7_000, overloaded: true },
  ],
  ['429 of an empty account', status(429, { code: 'insufficient_quota' }), { scope: 'permanent', kind: 'quota', overloaded: false }],
  ['402', status(402), { scope: 'permanent', kind: 'quota' }],
  ['500', status(500), { scope: 'transient', kind: 'server_error', overloaded: false }],
  [
    '502',
    status(502, { body: '<html>Bad Gateway</html>', headers: { 'content-type': 'text/html' } }),
    { scope: 'transient', kind: 'server_error', overloaded: false },
  ],
  ['503', status(503, { headers: { 'retry-after-ms': '20' } }), { scope: 'transient', kind: 'overloaded', overloaded: true, waitMs: 20 }],
  ['504', status(504), { scope: 'transient', kind: 'server_error' }],
  ['529', status(529), { scope: 'transient', kind: 'overloaded', overloaded: true }],
  ['408', status(408), { scope: 'transient', kind: 'timeout', overloaded: true }],
  ['409', status(409), { scope: 'transient', kind: 'timeout', overloaded: true }],
  ['401', status(401), { scope: 'permanent', kind: 'auth', overloaded: false }],
  ['403', status(403), { scope: 'permanent', kind: 'auth' }],
  ['407', status(407), { scope: 'permanent', kind: 'auth' }],
  ['404', status(404, { code: 'model_not_found' }), { scope: 'permanent', kind: 'not_found' }],
  ['405', status(405), { scope: 'permanent', kind: 'not_found' }],
  ['410', status(410), { scope: 'permanent', kind: 'not_found' }],
  ['400', status(400, { code: 'context_length_exceeded' }), { scope: 'item', kind: 'context_overflow', status: 400, overloaded: false }],
  [
    "llama-server's overflow",
    status(400, { body: '{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_ctx":512}}' }),
    { scope: 'item', kind: 'context_overflow', message: '400 too long' },
  ],
  [
    "vLLM's overflow, which has no code of its own",
    status(400, { body: '{"object":"error","message":"maximum context length is 10","type":"BadRequestError","param":null,"code":400}' }),
    { scope: 'item', kind: 'refused', message: '400 maximum context length is 10' },
  ],
  [
    '400 of an unknown parameter',
    status(400, { body: '{"error":{"message":"use max_completion_tokens","code":"unsupported_parameter","param":"max_tokens"}}' }),
    { scope: 'permanent', kind: 'unsupported', param: 'max_tokens' },
  ],
  [
    '422 of a field that pydantic does not know',
    status(422, { body: '{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":1}]}' }),
    { scope: 'permanent', kind: 'unsupported', param: 'seed', message: '422 body.seed: Extra inputs are not permitted' },
  ],
  [
    'the same as Mistral says it',
    status(422, {
      body: '{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error","param":null,"code":"1200"}',
    }),
    { scope: 'permanent', kind: 'unsupported', param: 'seed' },
  ],
  [
    "a field that Google's reader does not know",
    status(400, {
      body: '[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \\"seed\\": Cannot find field.","status":"INVALID_ARGUMENT"}}]',
    }),
    { scope: 'permanent', kind: 'unsupported', param: 'seed' },
  ],
  ['400 of an account without billing', status(400, { code: 'billing_hard_limit_reached' }), { scope: 'permanent', kind: 'quota' }],
  [
    '403 of a moderated prompt',
    status(403, { body: '{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"]}}}' }),
    { scope: 'item', kind: 'content_filter' },
  ],
  ['400 of a content filter', status(400, { code: 'content_filter' }), { scope: 'item', kind: 'content_filter' }],
  ['413', status(413), { scope: 'item', kind: 'refused' }],
  ['422', status(422), { scope: 'item', kind: 'refused' }],
  ['a connection reset', { kind: 'reset' }, { scope: 'transient', kind: 'connection', overloaded: false }],
  ['a body that is cut off', { kind: 'cut-body' }, { scope: 'transient', kind: 'connection' }],
  ['JSON that ends too early', { kind: 'truncated-json' }, { scope: 'transient', kind: 'bad_body' }],
  ['a body that stops coming', { kind: 'slow-body' }, { scope: 'transient', kind: 'timeout' }],
  ['headers that are no HTTP', { kind: 'no-http' }, { scope: 'transient', kind: 'connection' }],
  ['headers that are cut off', { kind: 'cut-headers' }, { scope: 'transient', kind: 'connection' }],
  ['no reply in time', { kind: 'hang' }, { scope: 'transient', kind: 'timeout', overloaded: true }],
];

const transport = createEndpointTransport();

async function failureOf({ fault, baseURL = endpoint.baseURL }: { fault?: Fault; baseURL?: string }): Promise<ModelFailure> {
  const timeoutMs = fault?.kind === 'hang' || fault?.kind === 'slow-body' ? 300 : 20_000;
  if (fault !== undefined) endpoint.inject(fault);
  const { origin, pathname } = new URL(`${baseURL}/completions`);
  try {
    JSON.parse(
      await transport.post({
        origin,
        path: pathname,
        headers: [],
        body: JSON.stringify({ model: 'fake-model', prompt: 'hello' }),
        timeoutMs,
        maxBytes: 1 << 20,
      }),
    );
  } catch (error) {
    return classifyModelError(error, NOW);
  }
  throw new Error('the call succeeded');
}

describe('through the transport', () => {
  test.each(faults)('%s', async (_, fault, expected) => {
    expect(await failureOf({ fault })).toMatchObject(expected);
  });

  test('a server that is not there is a connection fault with its cause', async () => {
    const gone = await FakeEndpoint.start();
    const { baseURL } = gone;
    await gone.close();
    const failure = await failureOf({ baseURL });
    expect(failure).toMatchObject({ scope: 'transient', kind: 'connection' });
    expect(failure.message).toContain('ECONNREFUSED');
  });

  test('a host that does not exist is permanent', async () => {
    const failure = await failureOf({ baseURL: 'http://no-such-host.invalid/v1' });
    // A machine without any name server says EAI_AGAIN, which may pass.
    const temporary = failure.message.includes('EAI_AGAIN');
    expect(failure).toMatchObject(temporary ? { scope: 'transient', kind: 'connection' } : { scope: 'permanent', kind: 'no_host' });
  });

  test('https to a server that speaks http is permanent', async () => {
    expect(await failureOf({ baseURL: endpoint.baseURL.replace('http:', 'https:') })).toMatchObject({ scope: 'permanent', kind: 'tls' });
  });
});

test('a caller that gives up is no fault of the endpoint', () => {
  expect(classifyModelError(new APIUserAbortError(), NOW)).toMatchObject({ scope: 'aborted', kind: 'aborted' });
});

test('a redirect is not followed: it is permanent', async () => {
  const elsewhere = await FakeEndpoint.start();
  try {
    const failure = await failureOf({ fault: status(307, { headers: { location: `${elsewhere.baseURL}/completions` } }) });
    expect(failure).toMatchObject({
      scope: 'permanent',
      kind: 'redirect',
      status: 307,
      message: `307 it redirects to ${elsewhere.baseURL}/completions, which is not followed`,
    });
    expect(elsewhere.requests).toEqual([]);
  } finally {
    await elsewhere.close();
  }
});

test('an error of our own code is permanent, so that it is not tried for ever', () => {
  expect(classifyModelError(new RangeError('a bug'), NOW)).toEqual({
    scope: 'permanent',
    kind: 'unexpected',
    overloaded: false,
    message: 'a bug',
  });
  expect(classifyModelError('thrown text', NOW)).toMatchObject({ scope: 'permanent', kind: 'unexpected', message: 'thrown text' });
});

test.each([
  'ENOTFOUND',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])('%s cannot be waited out', (code) => {
  const cause = Object.assign(new Error('no connection'), { code });
  expect(classifyModelError(new APIConnectionError({ cause }), NOW)).toMatchObject({
    scope: 'permanent',
    message: expect.stringContaining('no connection'),
  });
});
