import type { RunSpec } from '../../../config/spec';
import { dataCost } from '../../../report/gather/data-cost';
import type { Provenance } from '../../../report/gather/stage-ledger';

const spec: Pick<RunSpec, 'target' | 'synthesis'> = {
  target: { model: 'own' },
  synthesis: { respond: { generators: ['own', 'other'], samples: 4 } },
} as never;

const group = (stage: Provenance['stage'], model: string, generator?: string): Provenance => ({
  stage,
  model,
  ...(generator === undefined ? {} : { generator }),
  key: 'k',
  parts: { done: 1, planned: 1 },
  rows: 1,
  bytes: 1,
  sha256: null,
  rowsVersions: [1],
  reused: 0,
  outdated: 0,
  promptTokens: 8,
  completionTokens: 4,
  usd: 16,
});

const made = [
  group('extract', 'own'),
  group('respond', 'own'),
  group('respond', 'other'),
  ...['own', 'other'].flatMap((judge) => ['own', 'other'].map((generator) => group('judge', judge, generator))),
  group('select', ''),
];

test.each([
  ['method', 7 * 12, 7 * 16],
  ['first-response', 12 + 3, 16 + 4], // extraction and a quarter of the target's answers
  ['target-best', 3 * 12, 3 * 16], // extraction, the target's answers, its judgments of them
  ['dataset', 0, 0],
  ['none', 0, 0],
] as const)('the data of "%s" took %d tokens and %d dollars', (kind, tokens, usd) => {
  expect(dataCost(kind, spec, made)).toEqual({ tokens, usd });
});

test('a model without a price leaves no sum in dollars, where it was called', () => {
  const priced = made.map((each) => (each.model === 'own' ? each : { ...each, usd: null }));
  expect(dataCost('method', spec, priced)).toEqual({ tokens: 84, usd: null });
  expect(dataCost('target-best', spec, priced)).toEqual({ tokens: 36, usd: 48 });
});

test('the official model has no data', () => {
  expect(dataCost('official', spec, made)).toBeNull();
});
