import { StageLedger, type StageGroup } from '../../../report/gather/stage-ledger';
import type { StageManifest } from '../../../services/store/stage-store';

const models = { own: { price: { inputUsdPerMillion: 1_000_000, outputUsdPerMillion: 2_000_000 } }, free: {} } as never; // a dollar a token of the prompt, two of the reply
const group = (stage: StageGroup['stage'], model: string): StageGroup => ({ stage, model, key: 'k' });
const manifest = (counted?: { promptTokens: number; completionTokens: number }): StageManifest =>
  ({
    rows: { rows: 2, bytes: 10, sha256: 'a' },
    failures: { rows: 0, bytes: 1 },
    rowsVersion: 1,
    createdAt: '2026-01-02',
    stats: {
      calls: 2,
      requests: 2,
      promptTokens: 10,
      completionTokens: 5,
      modelMs: 1,
      transient: {},
      startedAt: '2026-01-02T00:00:00Z',
      finishedAt: '2026-01-02T00:00:01Z',
      ...(counted === undefined ? {} : { counted }),
    },
  }) as never;

test('dollars count what a budget counts: a call whose end is not known at its worst case; tokens are those that replies report', () => {
  const ledger = new StageLedger({ models, startedAt: '2026-01-01' });
  ledger.add(group('judge', 'own'), manifest(), false);
  ledger.add(group('judge', 'own'), manifest({ promptTokens: 30, completionTokens: 20 }), false);
  ledger.add(group('judge', 'own'), undefined, false);
  expect(ledger.usage()).toMatchObject([{ promptTokens: 20, completionTokens: 10, usd: 20 + 70, parts: { done: 2, planned: 3 } }]);
  expect(ledger.provenance()).toMatchObject([{ promptTokens: 20, completionTokens: 10, usd: 90 }]);
});

test('there is no sum in dollars without a price, or where no model is called; before anything is made, it is nothing', () => {
  const ledger = new StageLedger({ models, startedAt: '2026-01-01' });
  ledger.add(group('respond', 'free'), manifest(), false);
  ledger.add(group('select', 'own'), manifest(), false);
  ledger.add(group('extract', 'own'), undefined, false);
  expect(ledger.usage().map(({ usd }) => usd)).toEqual([null, null, 0]);
});
