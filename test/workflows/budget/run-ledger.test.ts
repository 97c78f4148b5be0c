import fc from 'fast-check';
import type { Cost } from '../../../method/cost';
import { RunLedger, type BudgetReached } from '../../../workflows/budget/run-ledger';

test('what asking the endpoints took counts as spent, also when the run goes on as new', () => {
  const ports = { grant: () => undefined, reached: () => undefined };
  const ledger = new RunLedger({ tokens: 1_000 }, ports);
  ledger.bookProbes({ usd: 0.25, tokens: 300 });
  expect(ledger.costs).toEqual({ closed: { usd: 0.25, tokens: 300 }, open: {} });
  ledger.bookStored({});
  expect(ledger.begin('shard', { usd: 0, tokens: 5_000 })).toEqual({ tokens: 700 });
  expect(new RunLedger({ tokens: 1_000 }, ports, ledger.snapshot()).spent).toEqual({ usd: 0.25, tokens: 300 });
});

const NOTHING: Cost = { usd: 0, tokens: 0 };

/** A shard as the ledger sees it, with calls of known cost. */
class Shard {
  spent = 0;
  total = 0;
  number = 0;
  isWaiting = false;

  constructor(
    readonly id: string,
    private readonly calls: readonly number[],
    public next = 0,
  ) {}

  get isDone(): boolean {
    return this.next >= this.calls.length;
  }

  /** Makes the next call, or asks for a grant. */
  step(ledger: RunLedger): void {
    const call = this.calls[this.next];
    if (this.isWaiting || call === undefined) return;
    if (this.spent + call <= this.total) {
      this.spent += call;
      this.next++;
      return;
    }
    this.isWaiting = true;
    this.total = this.spent;
    ledger.request({
      id: this.id,
      number: ++this.number,
      committed: { ...NOTHING, tokens: this.spent },
      least: { ...NOTHING, tokens: call },
      wanted: { ...NOTHING, tokens: 2 * call },
      stuck: true,
    });
  }
}

const calls = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });

test('whatever shards cost and in whatever order they work, they never spend more than the budget, and stop only when no call fits', () => {
  fc.assert(
    fc.property(
      fc.array(calls, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(11), { maxLength: 6 }),
      fc.integer({ min: 1, max: 600 }),
      fc.integer({ min: 1, max: 60 }),
      fc.infiniteStream(fc.nat(50)),
      (all, storedCalls, tokens, expected, order) => {
        let reached: BudgetReached | undefined;
        const shards = all.map((each, index) => new Shard(`run/shard-${index}`, each, Math.min(storedCalls[index] ?? 0, each.length)));
        for (const [index, shard] of shards.entries()) {
          shard.spent = (all[index] ?? []).slice(0, shard.next).reduce((sum, call) => sum + call, 0);
        }
        const before = shards.reduce((sum, { spent }) => sum + spent, 0);
        const byId = new Map(shards.map((shard) => [shard.id, shard]));
        const ledger = new RunLedger(
          { tokens },
          {
            grant: (id, { number, total }) => {
              const shard = byId.get(id);
              if (shard === undefined || number !== shard.number) return;
              shard.total = total.tokens ?? Infinity;
              shard.isWaiting = false;
            },
            reached: (told) => (reached = told),
          },
        );
        expect(ledger.needsStoredCosts).toBe(true);
        ledger.bookStored(Object.fromEntries(shards.map(({ id, spent }) => [id, { ...NOTHING, tokens: spent }])));
        for (const shard of shards) shard.total = ledger.begin(shard.id, { ...NOTHING, tokens: expected }).tokens ?? Infinity;

        const open = new Set(shards);
        for (const pick of order) {
          const shard = [...open][pick % open.size];
          if (shard === undefined) break;
          shard.step(ledger);
          if (shard.isDone) {
            open.delete(shard);
            ledger.end(shard.id, { ...NOTHING, tokens: shard.spent });
          }
          expect(shards.reduce((sum, { spent }) => sum + spent, 0)).toBeLessThanOrEqual(Math.max(before, tokens));
          if (open.size === 0 || reached !== undefined) break;
        }
        expect(ledger.spent.tokens).toBe(shards.reduce((sum, { spent }) => sum + spent, 0));
        // Those that are not done wait for a call that does not fit.
        expect(open.size === 0 || ledger.spent.tokens + (reached?.least.tokens ?? 0) > tokens).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('a late answer, or one request after another, grants nothing twice', () => {
  const funded: number[] = [];
  const ledger = new RunLedger(
    { tokens: 100 },
    { grant: (_id, { total }) => funded.push(total.tokens ?? 0), reached: () => undefined },
    { purse: { total: {}, spent: NOTHING, grants: {} }, stored: {} },
  );
  expect(ledger.begin('a', { ...NOTHING, tokens: 40 })).toEqual({ tokens: 50 });
  expect(ledger.begin('b', { ...NOTHING, tokens: 80 })).toEqual({ tokens: 50 });
  const request = { id: 'a', least: { ...NOTHING, tokens: 30 }, wanted: { ...NOTHING, tokens: 60 } };
  ledger.request({ ...request, number: 1, committed: { ...NOTHING, tokens: 50 }, stuck: false });
  expect(funded).toEqual([]);
  ledger.request({ ...request, number: 2, committed: { ...NOTHING, tokens: 20 }, stuck: true }); // gives 30 back, which it gets again
  expect(funded).toEqual([50]);
  ledger.request({ ...request, number: 1, committed: NOTHING, stuck: false });
  expect(funded).toEqual([50]);
  ledger.end('b', { ...NOTHING, tokens: 10 });
  expect(ledger.begin('c', { ...NOTHING, tokens: 400 })).toEqual({ tokens: 40 });
});

test('a run without a budget is granted everything, and counted', () => {
  const ledger = new RunLedger({}, { grant: () => undefined, reached: () => undefined });
  expect(ledger.needsStoredCosts).toBe(false);
  expect(ledger.begin('a', { usd: 1, tokens: 10 })).toEqual({});
  ledger.end('a', { usd: 3, tokens: 70 });
  expect(ledger.spent).toEqual({ usd: 3, tokens: 70 });
});
