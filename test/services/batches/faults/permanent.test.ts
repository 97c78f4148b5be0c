import { join } from 'node:path';
import { FakeEndpoint, type FakeEndpointOptions, type Fault } from '../../../support/fake-endpoint';
import { useTempFolder } from '../../../support/temp-folder';
import { COUNT, runExtraction } from './run-extraction';

const temp = useTempFolder();
const status = (code: number, extra: Partial<Extract<Fault, { kind: 'status' }>> = {}): Fault => ({
  kind: 'status',
  status: code,
  ...extra,
});

async function sentenceOf(attempt: Promise<unknown>): Promise<string> {
  const error: unknown = await attempt.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return error instanceof Error ? error.message : 'it did not fail';
}

/** What comes after five good replies, and what the sentence must say beyond the model and its address. */
const midway: readonly (readonly [name: string, fault: Fault, says: RegExp])[] = [
  [
    'an expired key',
    status(401, { code: 'invalid_api_key', message: 'The key has expired.' }),
    /\(HTTP 401\): 401 The key has expired\.; check the key in the environment variable that apiKeyEnv names/,
  ],
  ['a key without the right', status(403), /\(HTTP 403\).*check the key/],
  [
    'an empty account (429)',
    status(429, { code: 'insufficient_quota', message: 'You exceeded your quota.' }),
    /You exceeded your quota\.; the account has no credit left; add some and resume the run/,
  ],
  ['an empty account (402)', status(402), /no credit left/],
  [
    'a model that is gone',
    status(404, { code: 'model_not_found', message: 'The model does not exist.' }),
    /The model does not exist\.; check baseURL .* and the model id/,
  ],
  [
    'a parameter that the endpoint does not know',
    status(400, { body: '{"error":{"message":"Use max_completion_tokens.","code":"unsupported_parameter","param":"max_tokens"}}' }),
    /Use max_completion_tokens\.; add this line to the model under models in the spec: request: \{rename: \{max_tokens: max_completion_tokens\}\}$/,
  ],
  [
    'a redirect',
    status(301, { headers: { location: 'https://elsewhere.example/v1/completions' } }),
    /\(HTTP 301\): .*redirects to https:\/\/elsewhere\.example\/v1\/completions, which is not followed; write the address to which it redirects as baseURL/,
  ],
];

describe('stops at once, with what is paid kept:', () => {
  test.each(midway)('%s', async (_, fault, says) => {
    const endpoint = await FakeEndpoint.start();
    try {
      const journal = join(temp(), 'journal');
      endpoint.inject(fault, { times: 1_000, when: ({ number }) => number > 5 });
      const sentence = await sentenceOf(runExtraction({ baseURL: endpoint.baseURL, journal }));
      expect(sentence).toContain(`model "target" at ${endpoint.baseURL} `);
      expect(sentence).toMatch(says);
      expect(sentence).not.toContain('\n');
      expect(endpoint.requests.length).toBeLessThanOrEqual(5 + 4); // four lanes, each with at most one more
      endpoint.clearFaults();
      const { rows, failures } = await runExtraction({ baseURL: endpoint.baseURL, journal });
      expect([rows.length, failures.length]).toEqual([COUNT, 0]);
      expect(endpoint.paidTwice()).toEqual([]);
    } finally {
      await endpoint.close();
    }
  });
});

/** An endpoint, or a way to it, that was never right. */
const fromTheStart: readonly (readonly [name: string, options: FakeEndpointOptions, url: (baseURL: string) => string, says: RegExp])[] = [
  [
    'a model that is not served',
    { models: ['another'] },
    (url) => url,
    /\(HTTP 404\): 404 The model "target" does not exist\.; check baseURL/,
  ],
  ['a key that is wanted', { apiKey: 'secret' }, (url) => url, /\(HTTP 401\).*check the key/],
  ['an address without /v1', {}, (url) => url.replace(/\/v1$/, ''), /\(HTTP 404\).*check baseURL \(it usually ends in \/v1\)/],
  [
    'https to a server that speaks http',
    {},
    (url) => url.replace('http:', 'https:'),
    /cannot be called.*check that baseURL has the right scheme/,
  ],
  ['a host that does not exist', {}, () => 'http://no-such-host.invalid/v1', /cannot be called.*check the host name in baseURL/],
  [
    'a page at every path',
    { faultOf: () => ({ kind: 'body', body: '<html><title>Welcome</title></html>', contentType: 'text/html' }) },
    (url) => url,
    /the reply is no JSON: Welcome; baseURL does not seem to be an OpenAI-compatible API/,
  ],
  [
    'JSON that is no reply, at every path',
    { faultOf: () => ({ kind: 'body', body: '{"status":"ok"}' }) },
    (url) => url,
    /no list of choices: \{"status":"ok"\}; baseURL does not seem/,
  ],
  [
    'a context that is too small for every request',
    { contextTokens: 1 },
    (url) => url,
    /refused the first 8 requests: 400 This model's maximum context length is 1 tokens.*lower maxTokens/,
  ],
  [
    'a limit on max_tokens',
    {
      faultOf: () =>
        status(400, { body: '{"error":{"message":"max_tokens is too large: 64","param":"max_tokens","code":"invalid_value"}}' }),
    },
    (url) => url,
    /max_tokens is too large: 64; the requests ask for up to 64 tokens: lower maxTokens/,
  ],
];

describe('says in one sentence what is wrong, where, and the way out:', () => {
  test.each(fromTheStart)(
    '%s',
    async (_, options, url, says) => {
      const endpoint = await FakeEndpoint.start(options);
      try {
        const baseURL = url(endpoint.baseURL);
        const sentence = await sentenceOf(runExtraction({ baseURL, concurrency: 1 }));
        expect(sentence).toContain(`model "target" at ${baseURL} `);
        expect(sentence).toMatch(says);
        expect(endpoint.requests.length).toBeLessThanOrEqual(8);
      } finally {
        await endpoint.close();
      }
    },
    30_000,
  );
});
