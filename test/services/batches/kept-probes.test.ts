import { probeModels } from '../../../services/batches/kept-probes';
import { Endpoints } from '../../../services/endpoints/endpoints';
import { openStore } from '../../../services/runs/open-store';
import { FakeEndpoint } from '../../support/fake-endpoint';
import { smallSpec } from '../../support/small-spec';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();
const NEVER = new AbortController().signal;

test('what asking cost is told, by whomever it was paid, also of a model that need not be asked again', async () => {
  const endpoint = await FakeEndpoint.start();
  try {
    const { store } = openStore(temp());
    const spec = smallSpec(endpoint.baseURL, ({ models }) => {
      models['other']!.price = { inputUsdPerMillion: 1_000_000, outputUsdPerMillion: 1_000_000 };
    });
    const options = { endpoints: new Endpoints({}), store, signal: NEVER };
    const first = await probeModels(spec, options);
    const asked = endpoint.requests.length;
    expect(asked).toBeGreaterThan(2);
    const used = Object.values(first.findings).map(({ usage }) => (usage?.promptTokens ?? 0) + (usage?.completionTokens ?? 0));
    expect(used.every((tokens) => tokens > 0)).toBe(true);
    expect(first.cost.tokens).toBe(used.reduce((sum, tokens) => sum + tokens, 0));
    expect(first.cost.usd).toBeCloseTo(used[Object.keys(first.findings).indexOf('other')]!, 6);

    expect(await probeModels(spec, options)).toEqual(first);
    const known = await probeModels(spec, { ...options, isKnown: () => true });
    expect(known).toEqual({ findings: {}, cost: first.cost });
    expect(endpoint.requests).toHaveLength(asked);
  } finally {
    await endpoint.close();
  }
});

test('an endpoint that tells no usage counts with the most that its probe may have taken', async () => {
  const endpoint = await FakeEndpoint.start({ withoutUsage: true });
  try {
    const { findings, cost } = await probeModels(smallSpec(endpoint.baseURL), { endpoints: new Endpoints({}), signal: NEVER });
    expect(cost.tokens).toBeGreaterThan(0);
    expect(findings['other']?.notes.join()).toContain('it tells no usage');
  } finally {
    await endpoint.close();
  }
});
