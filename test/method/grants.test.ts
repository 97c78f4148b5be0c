import fc from 'fast-check';
import type { Cost } from '../../method/cost';
import { Grants } from '../../method/grants';

const cost = (tokens: number): Cost => ({ usd: tokens / 1000, tokens });

describe('the grants of a budget', () => {
  it('grants what is wanted while there is enough, then what is left, then nothing', () => {
    const grants = new Grants({ total: { tokens: 100 } });
    expect(grants.grant('a', cost(60), cost(10))).toEqual({ tokens: 60 });
    expect(grants.grant('b', cost(60), cost(10))).toEqual({ tokens: 40 });
    expect(grants.grant('c', cost(60), cost(10))).toBeUndefined();
    expect(grants.grantOf('c')).toBeUndefined();
    expect(grants.left).toEqual({ tokens: 0 });
  });

  it('gets back what a settled grant did not cost', () => {
    const grants = new Grants({ total: { tokens: 100, usd: 1 } });
    grants.grant('a', cost(100), cost(10));
    grants.settle('a', cost(30));
    expect(grants.spent).toEqual(cost(30));
    expect(grants.left).toEqual({ tokens: 70, usd: 0.97 });
  });

  it('refuses when one of two limited sides has too little', () => {
    const grants = new Grants({ total: { tokens: 1000, usd: 0.005 } });
    expect(grants.grant('a', cost(100), cost(10))).toBeUndefined();
    expect(grants.left).toEqual({ tokens: 1000, usd: 0.005 });
  });

  it('limits nothing without a total, and still counts', () => {
    const grants = new Grants();
    expect(grants.grant('a', cost(1e12), cost(1e12))).toEqual({});
    grants.settle('a', cost(7));
    expect(grants.spent).toEqual(cost(7));
    expect(grants.left).toEqual({});
  });

  it('replaces a grant that is made again, as after a cancelled batch', () => {
    const grants = new Grants({ total: { tokens: 100 } });
    grants.grant('a', cost(80), cost(80));
    expect(grants.grant('a', cost(90), cost(90))).toEqual({ tokens: 90 });
    expect(grants.outstanding.tokens).toBe(90);
  });

  it('has nothing left of a side that is limited later, until what was granted before is settled or granted again', () => {
    const grants = new Grants();
    grants.grant('a', cost(10), cost(10));
    grants.setTotal({ tokens: 100 });
    expect(grants.left).toEqual({ tokens: 0 });
    expect(grants.grant('b', cost(10), cost(10))).toBeUndefined();
    expect(grants.grant('a', cost(10), cost(10))).toEqual({ tokens: 10 });
    expect(grants.left).toEqual({ tokens: 90 });
  });

  it('with a lowered total grants nothing more, and grants again when it is raised', () => {
    const grants = new Grants({ total: { tokens: 100 } });
    grants.grant('a', cost(50), cost(50));
    grants.settle('a', cost(50));
    grants.setTotal({ tokens: 20 });
    expect(grants.left).toEqual({ tokens: 0 });
    expect(grants.grant('b', cost(1), cost(1))).toBeUndefined();
    grants.setTotal({ tokens: 51 });
    expect(grants.grant('b', cost(1), cost(1))).toEqual({ tokens: 1 });
  });

  it('goes on from its snapshot, through JSON, as if it had never stopped', () => {
    const grants = new Grants({ total: { tokens: 100, usd: 1 } });
    grants.grant('a', cost(40), cost(1));
    grants.grant('b', cost(10), cost(1));
    grants.settle('b', cost(9));
    const again = new Grants(JSON.parse(JSON.stringify(grants.snapshot())));
    expect(again.snapshot()).toEqual(grants.snapshot());
    expect(again.grant('c', cost(1000), cost(1))).toEqual(grants.grant('c', cost(1000), cost(1)));
  });
});

describe('whatever is granted and settled', () => {
  const amount = fc.nat({ max: 500 });
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    fc.record({ do: fc.constant('grant' as const), id, wanted: amount, least: amount }),
    // Of a thousand parts of the grant; the rest comes back.
    fc.record({ do: fc.constant('settle' as const), id, part: fc.nat({ max: 1000 }) }),
    fc.record({ do: fc.constant('total' as const), more: amount }),
    fc.record({ do: fc.constant('snapshot' as const) }),
  );

  /** Makes a grant; true when it is refused although there is enough, or when the refusal changes anything. */
  function refusesWrongly(grants: Grants, total: number, name: string, wanted: number, least: number): boolean {
    const before = JSON.stringify(grants.snapshot());
    const free = total - grants.spent.tokens - grants.outstanding.tokens + (grants.grantOf(name)?.tokens ?? 0);
    if (grants.grant(name, cost(wanted), cost(least)) !== undefined) return false;
    return free > least || JSON.stringify(grants.snapshot()) !== before; // dollars are thousandths here, a hair off at equality
  }

  it('spent and granted together never exceed the total, and every refusal is for want of enough', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2000 }), fc.array(step, { maxLength: 60 }), (start, steps) => {
        let total = start;
        let grants = new Grants({ total: { tokens: total, usd: total / 1000 } });
        for (const each of steps) {
          let wrongRefusal = false;
          if (each.do === 'grant') wrongRefusal = refusesWrongly(grants, total, each.id, each.wanted, Math.min(each.wanted, each.least));
          else if (each.do === 'settle') {
            const { usd = 0, tokens = 0 } = grants.grantOf(each.id) ?? {};
            grants.settle(each.id, { usd: (usd * each.part) / 1000, tokens: Math.floor((tokens * each.part) / 1000) });
          } else if (each.do === 'total') grants.setTotal({ tokens: (total += each.more), usd: total / 1000 });
          else grants = new Grants(JSON.parse(JSON.stringify(grants.snapshot())));
          expect(wrongRefusal).toBe(false);
          expect(grants.spent.tokens + grants.outstanding.tokens).toBeLessThanOrEqual(total);
          expect(grants.spent.usd + grants.outstanding.usd).toBeLessThanOrEqual(total / 1000 + 1e-9);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('grants out of a grant keep within the outer total', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1000 }), fc.array(fc.tuple(id, amount), { maxLength: 40 }), (total, works) => {
        const outer = new Grants({ total: { tokens: total } });
        const inner = new Map<string, Grants>();
        let spent = 0;
        for (const [shard, wanted] of works) {
          const grants = inner.get(shard) ?? new Grants({ total: outer.grant(shard, cost(50), cost(0)) ?? { tokens: 0 } });
          inner.set(shard, grants);
          let grant = grants.grant('batch', cost(wanted), cost(wanted));
          if (grant === undefined) {
            const further = cost((outer.grantOf(shard)?.tokens ?? 0) + wanted);
            const raised = outer.grant(shard, further, further);
            if (raised !== undefined) grants.setTotal(raised);
            grant = grants.grant('batch', cost(wanted), cost(wanted));
          }
          if (grant === undefined) continue;
          grants.settle('batch', cost(wanted));
          spent += wanted;
        }
        for (const [shard, grants] of inner) outer.settle(shard, grants.spent);
        expect(outer.spent.tokens).toBe(spent);
        expect(spent).toBeLessThanOrEqual(total);
      }),
    );
  });
});
