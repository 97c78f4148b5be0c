import type { RunSpecInput } from '../../../config/spec';
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

/** Each alone, in a run of its own; the model `other` answers and judges there. */
const CHANGES: readonly [what: string, isAskedAgain: boolean, change: (spec: RunSpecInput) => void][] = [
  ['nothing', false, () => undefined],
  [
    'the seed and the size of the run',
    false,
    (spec) =>
      void Object.assign(spec, { seed: 8, synthesis: { ...spec.synthesis, extract: { ...spec.synthesis.extract, instructions: 6 } } }),
  ],
  ['its price and its limits', false, ({ models }) => (models['other']!.limits = { concurrency: 2, requestsPerMinute: 600 })],
  ['the other model', false, ({ models }) => (models['target']!.request = { body: { top_k: 5 } })],
  ['a field of its requests', true, ({ models }) => (models['other']!.request = { body: { top_k: 5 } })],
  ['a field that is left out', true, ({ models }) => (models['other']!.request = { omit: ['seed'] })],
  ['a header', true, ({ models }) => (models['other']!.request = { headersEnv: { 'x-tier': 'TIER' } })],
  ['its thinking', true, ({ models }) => (models['other']!.thinking = { mode: 'off' })],
  [
    'the temperature of its answers',
    true,
    ({ synthesis }) => (synthesis.respond.sampling = { ...synthesis.respond.sampling, temperature: 0.5 }),
  ],
  ['how scores are read', true, ({ synthesis }) => (synthesis.judge.scoring = 'expected')],
  ['the model at the address', true, ({ models }) => (models['other']!.model = 'another')],
];

test.each(CHANGES)('where a later run changes %s, it is asked again: %s', async (_, isAskedAgain, change) => {
  const endpoint = await FakeEndpoint.start();
  try {
    const options = { endpoints: new Endpoints({ TIER: 'flexible' }), store: openStore(temp()).store, signal: NEVER };
    await probeModels(smallSpec(endpoint.baseURL), options);
    const first = endpoint.requests.length;
    await probeModels(smallSpec(endpoint.baseURL, change), options);
    const again = endpoint.requests.slice(first).filter(({ body }) => body.model !== 'target');
    expect(again.length > 0).toBe(isAskedAgain);
    expect(again.length).toBeLessThanOrEqual(5);
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
