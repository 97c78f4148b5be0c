import fc from 'fast-check';
import type { Cost } from '../../../method/cost';
import { Treasury, type Reached } from '../../../workflows/budget/run-ledger';

const NOTHING: Cost = { usd: 0, tokens: 0 };

/** A shard as the treasury sees it, with calls of known cost. */
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

  /** Makes the next call, or asks for it. */
  step(treasury: Treasury): void {
    const call = this.calls[this.next];
    if (this.isWaiting || call === undefined) return;
    if (this.spent + call <= this.total) {
      this.spent += call;
      this.next++;
      return;
    }
    this.isWaiting = true;
    this.total = this.spent;
    treasury.ask({
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
        let reached: Reached | undefined;
        const shards = all.map((each, index) => new Shard(`run/shard-${index}`, each, Math.min(storedCalls[index] ?? 0, each.length)));
        for (const [index, shard] of shards.entries()) {
          shard.spent = (all[index] ?? []).slice(0, shard.next).reduce((sum, call) => sum + call, 0);
        }
        const before = shards.reduce((sum, { spent }) => sum + spent, 0);
        const byId = new Map(shards.map((shard) => [shard.id, shard]));
        const treasury = new Treasury(
          { tokens },
          {
            fund: (id, { number, total }) => {
              const shard = byId.get(id);
              if (shard === undefined || number !== shard.number) return;
              shard.total = total.tokens ?? Infinity;
              shard.isWaiting = false;
            },
            reached: (told) => (reached = told),
          },
        );
        expect(treasury.mustLook).toBe(true);
        treasury.bookStored(Object.fromEntries(shards.map(({ id, spent }) => [id, { ...NOTHING, tokens: spent }])));
        for (const shard of shards) shard.total = treasury.begin(shard.id, { ...NOTHING, tokens: expected }).tokens ?? Infinity;

        const open = new Set(shards);
        for (const pick of order) {
          const shard = [...open][pick % open.size];
          if (shard === undefined) break;
          shard.step(treasury);
          if (shard.isDone) {
            open.delete(shard);
            treasury.end(shard.id, { ...NOTHING, tokens: shard.spent });
          }
          expect(shards.reduce((sum, { spent }) => sum + spent, 0)).toBeLessThanOrEqual(Math.max(before, tokens));
          if (open.size === 0 || reached !== undefined) break;
        }
        expect(treasury.spent.tokens).toBe(shards.reduce((sum, { spent }) => sum + spent, 0));
        // Those that are not done wait for a call that does not fit.
        expect(open.size === 0 || treasury.spent.tokens + (reached?.least.tokens ?? 0) > tokens).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('a late answer, or one ask after another, grants nothing twice', () => {
  const funded: number[] = [];
  const treasury = new Treasury(
    { tokens: 100 },
    { fund: (_id, { total }) => funded.push(total.tokens ?? 0), reached: () => undefined },
    { purse: { total: {}, spent: NOTHING, grants: {} }, stored: {} },
  );
  expect(treasury.begin('a', { ...NOTHING, tokens: 40 })).toEqual({ tokens: 50 });
  expect(treasury.begin('b', { ...NOTHING, tokens: 80 })).toEqual({ tokens: 50 });
  const ask = { id: 'a', least: { ...NOTHING, tokens: 30 }, wanted: { ...NOTHING, tokens: 60 } };
  treasury.ask({ ...ask, number: 1, committed: { ...NOTHING, tokens: 50 }, stuck: false });
  expect(funded).toEqual([]);
  treasury.ask({ ...ask, number: 2, committed: { ...NOTHING, tokens: 20 }, stuck: true }); // gives 30 back, which it gets again
  expect(funded).toEqual([50]);
  treasury.ask({ ...ask, number: 1, committed: NOTHING, stuck: false });
  expect(funded).toEqual([50]);
  treasury.end('b', { ...NOTHING, tokens: 10 });
  expect(treasury.begin('c', { ...NOTHING, tokens: 400 })).toEqual({ tokens: 40 });
});

test('a run without a budget is granted everything, and counted', () => {
  const treasury = new Treasury({}, { fund: () => undefined, reached: () => undefined });
  expect(treasury.mustLook).toBe(false);
  expect(treasury.begin('a', { usd: 1, tokens: 10 })).toEqual({});
  treasury.end('a', { usd: 3, tokens: 70 });
  expect(treasury.spent).toEqual({ usd: 3, tokens: 70 });
});
