import { Endpoints } from '../../../services/endpoints/endpoints';
import type { ModelRequest } from '../../../services/endpoints/model-client';
import { useFakeEndpoint } from '../../support/fake-endpoint';
import { modelSpec } from '../../support/model-spec';

const NEVER = new AbortController().signal;
const endpoint = useFakeEndpoint();

beforeEach(async () => {
  endpoint().hold();
});

/** Lets calls of each client begin, and tells how many the endpoint had open at once. */
async function mostInFlight(clients: readonly ReturnType<Endpoints['client']>[], expected: number): Promise<number> {
  const request = (seed: number): ModelRequest => ({ path: 'completions', body: { prompt: 'x', seed }, tokenEstimate: 1 });
  const calls = clients.flatMap((client, index) =>
    [1, 2, 3, 4].map((number) => client.call(request(index * 10 + number), { signal: NEVER })),
  );
  await endpoint().received(expected);
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  endpoint().release();
  await Promise.all(calls);
  return endpoint().maxInFlight;
}

test('clients of one endpoint share its limits, whatever their names', async () => {
  const endpoints = new Endpoints({});
  const spec = modelSpec({ baseURL: endpoint().baseURL, limits: { concurrency: 3 } });
  expect(await mostInFlight([endpoints.client('a', spec), endpoints.client('b', { ...spec, supportsN: false })], 3)).toBe(3);
});

test('another model of the same server has limits of its own', async () => {
  const endpoints = new Endpoints({});
  const spec = modelSpec({ baseURL: endpoint().baseURL, limits: { concurrency: 2 } });
  expect(await mostInFlight([endpoints.client('a', spec), endpoints.client('b', { ...spec, model: 'other' })], 4)).toBe(4);
});

test('new limits for an endpoint hold from then on, for clients that were handed out before too', async () => {
  const endpoints = new Endpoints({});
  const spec = modelSpec({ baseURL: endpoint().baseURL, limits: { concurrency: 1 } });
  const earlier = endpoints.client('a', spec);
  endpoints.client('a', { ...spec, limits: { ...spec.limits, concurrency: 3 } });
  expect(await mostInFlight([earlier], 3)).toBe(3);
});
