import fc from 'fast-check';
import type { Cost } from '../../method/cost';
import { Purse } from '../../method/grants';

const cost = (tokens: number): Cost => ({ usd: tokens / 1000, tokens });

describe('a purse', () => {
  it('grants what is wanted while there is enough, then what is left, then nothing', () => {
    const purse = new Purse({ total: { tokens: 100 } });
    expect(purse.grant('a', cost(60), cost(10))).toEqual({ tokens: 60 });
    expect(purse.grant('b', cost(60), cost(10))).toEqual({ tokens: 40 });
    expect(purse.grant('c', cost(60), cost(10))).toBeUndefined();
    expect(purse.grantOf('c')).toBeUndefined();
    expect(purse.left).toEqual({ tokens: 0 });
  });

  it('gets back what a settled grant did not cost', () => {
    const purse = new Purse({ total: { tokens: 100, usd: 1 } });
    purse.grant('a', cost(100), cost(10));
    purse.settle('a', cost(30));
    expect(purse.spent).toEqual(cost(30));
    expect(purse.left).toEqual({ tokens: 70, usd: 0.97 });
  });

  it('refuses when one of two limited sides has too little', () => {
    const purse = new Purse({ total: { tokens: 1000, usd: 0.005 } });
    expect(purse.grant('a', cost(100), cost(10))).toBeUndefined();
    expect(purse.left).toEqual({ tokens: 1000, usd: 0.005 });
  });

  it('limits nothing without a total, and still counts', () => {
    const purse = new Purse();
    expect(purse.grant('a', cost(1e12), cost(1e12))).toEqual({});
    purse.settle('a', cost(7));
    expect(purse.spent).toEqual(cost(7));
    expect(purse.left).toEqual({});
  });

  it('raises a grant by what is further needed, or leaves it as it is', () => {
    const purse = new Purse({ total: { tokens: 100 } });
    purse.grant('a', cost(60), cost(60));
    expect(purse.raise('a', cost(30))).toEqual({ tokens: 90 });
    expect(purse.raise('a', cost(30))).toBeUndefined();
    expect(purse.grantOf('a')).toEqual({ tokens: 90 });
    expect(purse.raise('a', cost(5), cost(50))).toEqual({ tokens: 100 });
  });

  it('replaces a grant that is made again, as after a cancelled batch', () => {
    const purse = new Purse({ total: { tokens: 100 } });
    purse.grant('a', cost(80), cost(80));
    expect(purse.grant('a', cost(90), cost(90))).toEqual({ tokens: 90 });
    expect(purse.outstanding.tokens).toBe(90);
  });

  it('has nothing left of a side that is limited later, until what was granted before is settled or granted anew', () => {
    const purse = new Purse();
    purse.grant('a', cost(10), cost(10));
    purse.setTotal({ tokens: 100 });
    expect(purse.left).toEqual({ tokens: 0 });
    expect(purse.grant('b', cost(10), cost(10))).toBeUndefined();
    expect(purse.grant('a', cost(10), cost(10))).toEqual({ tokens: 10 });
    expect(purse.left).toEqual({ tokens: 90 });
  });

  it('with a lowered total grants nothing more, and grants again when it is raised', () => {
    const purse = new Purse({ total: { tokens: 100 } });
    purse.grant('a', cost(50), cost(50));
    purse.settle('a', cost(50));
    purse.setTotal({ tokens: 20 });
    expect(purse.left).toEqual({ tokens: 0 });
    expect(purse.grant('b', cost(1), cost(1))).toBeUndefined();
    purse.setTotal({ tokens: 51 });
    expect(purse.grant('b', cost(1), cost(1))).toEqual({ tokens: 1 });
  });

  it('goes on from its snapshot, through JSON, as if it had never stopped', () => {
    const purse = new Purse({ total: { tokens: 100, usd: 1 } });
    purse.grant('a', cost(40), cost(1));
    purse.grant('b', cost(10), cost(1));
    purse.settle('b', cost(9));
    const again = new Purse(JSON.parse(JSON.stringify(purse.snapshot())));
    expect(again.snapshot()).toEqual(purse.snapshot());
    expect(again.grant('c', cost(1000), cost(1))).toEqual(purse.grant('c', cost(1000), cost(1)));
  });
});

describe('whatever is granted, raised and settled', () => {
  const amount = fc.nat({ max: 500 });
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    fc.record({ do: fc.constant('grant' as const), id, wanted: amount, least: amount }),
    fc.record({ do: fc.constant('raise' as const), id, further: amount }),
    // Of a thousand parts of the grant; the rest comes back.
    fc.record({ do: fc.constant('settle' as const), id, part: fc.nat({ max: 1000 }) }),
    fc.record({ do: fc.constant('total' as const), more: amount }),
    fc.record({ do: fc.constant('snapshot' as const) }),
  );

  /** Makes a grant; true when it is refused although there is enough, or when the refusal changes anything. */
  function refusesWrongly(purse: Purse, total: number, name: string, wanted: number, least: number): boolean {
    const before = JSON.stringify(purse.snapshot());
    const free = total - purse.spent.tokens - purse.outstanding.tokens + (purse.grantOf(name)?.tokens ?? 0);
    if (purse.grant(name, cost(wanted), cost(least)) !== undefined) return false;
    return free > least || JSON.stringify(purse.snapshot()) !== before; // dollars are thousandths here, a hair off at equality
  }

  it('spent and granted together never exceed the total, and every refusal is for want of enough', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2000 }), fc.array(step, { maxLength: 60 }), (start, steps) => {
        let total = start;
        let purse = new Purse({ total: { tokens: total, usd: total / 1000 } });
        for (const each of steps) {
          let wrongRefusal = false;
          if (each.do === 'grant') wrongRefusal = refusesWrongly(purse, total, each.id, each.wanted, Math.min(each.wanted, each.least));
          else if (each.do === 'raise') purse.raise(each.id, cost(each.further));
          else if (each.do === 'settle') {
            const { usd = 0, tokens = 0 } = purse.grantOf(each.id) ?? {};
            purse.settle(each.id, { usd: (usd * each.part) / 1000, tokens: Math.floor((tokens * each.part) / 1000) });
          } else if (each.do === 'total') purse.setTotal({ tokens: (total += each.more), usd: total / 1000 });
          else purse = new Purse(JSON.parse(JSON.stringify(purse.snapshot())));
          expect(wrongRefusal).toBe(false);
          expect(purse.spent.tokens + purse.outstanding.tokens).toBeLessThanOrEqual(total);
          expect(purse.spent.usd + purse.outstanding.usd).toBeLessThanOrEqual(total / 1000 + 1e-9);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a purse that is filled from a grant of another keeps both within the outer total', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1000 }), fc.array(fc.tuple(id, amount), { maxLength: 40 }), (total, works) => {
        const outer = new Purse({ total: { tokens: total } });
        const inner = new Map<string, Purse>();
        let spent = 0;
        for (const [shard, wanted] of works) {
          const purse = inner.get(shard) ?? new Purse({ total: outer.grant(shard, cost(50), cost(0)) ?? { tokens: 0 } });
          inner.set(shard, purse);
          let grant = purse.grant('batch', cost(wanted), cost(wanted));
          if (grant === undefined) {
            const raised = outer.raise(shard, cost(wanted));
            if (raised !== undefined) purse.setTotal(raised);
            grant = purse.grant('batch', cost(wanted), cost(wanted));
          }
          if (grant === undefined) continue;
          purse.settle('batch', cost(wanted));
          spent += wanted;
        }
        for (const [shard, purse] of inner) outer.settle(shard, purse.spent);
        expect(outer.spent.tokens).toBe(spent);
        expect(spent).toBeLessThanOrEqual(total);
      }),
    );
  });
});
