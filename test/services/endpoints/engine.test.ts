import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { engineAt, plainSampling } from '../../../services/endpoints/engine';
import { modelSpec } from '../../support/model-spec';

let server: Server;
let baseURL: string;
/** What GET /v1/models answers. */
let answer: string;
let asked: { readonly url: string; readonly key: string | undefined }[];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', key: request.headers.authorization });
    response.writeHead(answer === '' ? 404 : 200).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(async () => await new Promise((resolve) => server.close(resolve)));
beforeEach(() => (asked = []));

const engine = async (change: Parameters<typeof modelSpec>[0] = {}) =>
  await engineAt({ name: 'm', model: modelSpec({ baseURL, ...change }), env: { KEY: 'secret-key' }, timeoutMs: 5_000 });

describe('the engine behind an endpoint', () => {
  // As vLLM's and SGLang's model cards and llama-server's list say it; a gateway that serves several, and OpenAI.
  it.each([
    [[{ id: 'a', owned_by: 'vllm' }], 'vllm'],
    [[{ id: 'a', owned_by: 'sglang' }], 'sglang'],
    [[{ id: 'a', owned_by: 'llamacpp' }], 'llama.cpp'],
    [
      [
        { id: 'a', owned_by: 'vllm' },
        { id: 'b', owned_by: 'vllm' },
      ],
      'vllm',
    ],
    [
      [
        { id: 'a', owned_by: 'vllm' },
        { id: 'b', owned_by: 'openai' },
      ],
      undefined,
    ],
    [[{ id: 'gpt', owned_by: 'system' }], undefined],
    [[{ id: 'x', owned_by: 'constructor' }, null], undefined],
    [[], undefined],
  ])('of the list %j is %s', async (data, expected) => {
    answer = JSON.stringify({ object: 'list', data });
    expect(await engine()).toBe(expected);
  });

  it.each(['', '<html>', '[]', 'null'])('is not known where the list is %j', async (text) => {
    answer = text;
    expect(await engine()).toBeUndefined();
  });

  it('is asked with the key and the query of the spec, and not where the spec has the server started', async () => {
    answer = '{"data": [{"owned_by": "vllm"}]}';
    expect(await engine({ apiKeyEnv: 'KEY', request: { query: { 'api-version': '1' } } })).toBe('vllm');
    expect(asked).toEqual([{ url: '/v1/models?api-version=1', key: 'Bearer secret-key' }]);
    expect(await engine({ serve: { engine: 'vllm', args: [] } })).toBe('vllm');
    expect(await engine({ serve: { engine: 'transformers', args: [] } })).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  it('is tried again where nobody answers', async () => {
    await expect(engine({ baseURL: 'http://127.0.0.1:9/v1' })).rejects.toMatchObject({ name: 'EndpointUnavailableError' });
  });
});

test('an unknown engine gets no field that it may refuse', () => {
  expect(plainSampling(undefined, [1])).toEqual({});
  expect(plainSampling('vllm', [])).not.toHaveProperty('stop_token_ids');
});
