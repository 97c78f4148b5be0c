import { deriveSeed } from '../../../../method/seeds';
import { EndpointHealth } from '../../../../services/endpoints/endpoint-health';
import { FakeEndpoint, type Fault, type ReceivedRequest } from '../../../support/fake-endpoint';
import { COUNT, runExtraction } from './run-extraction';

const status = (code: number, extra: Partial<Extract<Fault, { kind: 'status' }>> = {}): Fault => ({
  kind: 'status',
  status: code,
  ...extra,
});

/** What one item's requests come to, its reason, and how often it is asked: an unusable reply three times, a refusal once. */
const refusals: readonly (readonly [name: string, fault: Fault, reason: string, requests: number])[] = [
  [
    'a prompt that is too long (OpenAI)',
    status(400, { code: 'context_length_exceeded', message: 'too long' }),
    'context_overflow: 400 too long',
    1,
  ],
  [
    'a prompt that is too long (llama-server)',
    status(400, { body: '{"error":{"code":400,"message":"too long","type":"exceed_context_size_error"}}' }),
    'context_overflow: 400 too long',
    1,
  ],
  [
    'a prompt that is too long (llama-server, with 500)',
    status(500, { body: '{"error":{"code":500,"message":"too long","type":"exceed_context_size_error"}}' }),
    'context_overflow: 500 too long',
    1,
  ],
  [
    'a prompt that is too long (vLLM)',
    status(400, { body: '{"object":"error","message":"maximum context length is 10 tokens","type":"BadRequestError","code":400}' }),
    'refused: 400 maximum context length is 10 tokens',
    1,
  ],
  ['a prompt that a filter refuses', status(400, { code: 'content_filter', message: 'filtered' }), 'content_filter: 400 filtered', 1],
  [
    'a prompt that a gateway moderates',
    status(403, { body: '{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"]}}}' }),
    'content_filter: 403 flagged',
    1,
  ],
  ['a request that is too large', status(413, { message: 'too large' }), 'refused: 413 too large', 1],
  ['replies that a filter cuts', { kind: 'content-filter' }, 'content_filter', 3],
  ['replies without choices', { kind: 'empty-choices' }, 'no choices', 3],
];

/** The seeds of one item's three tries, by which its requests are known. */
const SEEDS = [0, 1, 2].map((attempt) => deriveSeed({ runSeed: 7, stage: 'extract', itemIndex: 3, sample: 0, attempt }));
const ofOneItem = ({ body }: ReceivedRequest): boolean => SEEDS.includes(body.seed ?? -1);

describe('an item fails and is counted, and the others succeed:', () => {
  test.each(refusals)('%s', async (_, fault, reason, requests) => {
    const endpoint = await FakeEndpoint.start();
    try {
      endpoint.inject(fault, { times: 1_000, when: ofOneItem });
      const { rows, failures, stats } = await runExtraction({ baseURL: endpoint.baseURL });
      expect(rows).toHaveLength(COUNT - 1);
      expect(failures).toEqual([{ stage: 'extract', id: 'i0000003', model: 'target', reason, attempts: requests }]);
      expect(endpoint.requests).toHaveLength(COUNT - 1 + requests);
      expect(stats.transient).toEqual({});
    } finally {
      await endpoint.close();
    }
  });

  test.each<[string, Fault, string]>([
    ['it crashes the server', status(500, { headers: { 'retry-after-ms': '1' } }), 'server_error'],
    ['it always resets the connection', { kind: 'reset' }, 'connection'],
    ['it never ends', { kind: 'hang' }, 'timeout'],
  ])('%s', async (_, fault, kind) => {
    const endpoint = await FakeEndpoint.start();
    try {
      endpoint.inject(fault, { times: 1_000, when: ofOneItem });
      const health = new EndpointHealth({ minFailingMs: 0, significance: 0.2 });
      const { rows, failures } = await runExtraction({
        baseURL: endpoint.baseURL,
        health,
        setAsideAfterMs: 0,
        limits: { timeoutMs: 1_000 },
      });
      expect(rows).toHaveLength(COUNT - 1);
      expect(failures).toHaveLength(1);
      expect(failures[0]?.reason).toMatch(
        new RegExp(`^${kind}: failed \\d+ times in a row while \\d+ of \\d+ other requests succeeded at the first try; the last time: `),
      );
    } finally {
      await endpoint.close();
    }
  });
});
