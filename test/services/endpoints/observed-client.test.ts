import { Endpoints } from '../../../services/endpoints/endpoints';
import type { CallObserver } from '../../../services/endpoints/observed-client';
import { useFakeEndpoint } from '../../support/fake-endpoint';
import { modelSpec } from '../../support/model-spec';

const endpoint = useFakeEndpoint({ models: ['there'] });
const request = { path: 'completions', body: { prompt: 'x' }, tokenEstimate: 1 } as const;
const { signal } = new AbortController();

function observed(): { readonly endpoints: Endpoints; readonly ends: Parameters<CallObserver>[0][] } {
  const ends: Parameters<CallObserver>[0][] = [];
  return { endpoints: new Endpoints({}, undefined, (end) => ends.push(end)), ends };
}

test('each try of a call is told of by how it ended, once', async () => {
  const { endpoints, ends } = observed();
  const client = endpoints.client('a', modelSpec({ baseURL: endpoint().baseURL, model: 'there' }));
  endpoint().inject({ kind: 'status', status: 429, headers: { 'retry-after': '0' } });
  await client.call(request, { signal });
  endpoint().inject({ kind: 'status', status: 400 });
  await client.call(request, { signal });
  expect(ends).toEqual([
    { model: 'there', outcome: 'rate_limited' },
    { model: 'there', outcome: 'answered', seconds: expect.any(Number) as number },
    { model: 'there', outcome: 'refused' },
  ]);
  expect(endpoints.limiterStates()).toMatchObject([
    { model: 'there', endpoint: new URL(endpoint().baseURL).host, inFlight: 0, waiting: 0 },
  ]);
});

test('an endpoint that no call can use is told of too', async () => {
  const { endpoints, ends } = observed();
  const client = endpoints.client('a', modelSpec({ baseURL: endpoint().baseURL, model: 'not-there' }));
  await expect(client.call(request, { signal })).rejects.toThrow(/refuses every call/);
  expect(ends).toEqual([{ model: 'not-there', outcome: 'permanent' }]);
});
