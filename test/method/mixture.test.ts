import fc from 'fast-check';
import { mix, planMixture } from '../../method/mixture';
import type { Conversation } from '../../method/records';

test('an answer that was cut is still marked in the mixture, and no other row is', () => {
  const conversation = (id: string): Conversation => ({
    id,
    messages: [
      { role: 'user', content: 'Why?' },
      { role: 'assistant', content: 'Beca' },
    ],
  });
  const rows = mix({
    replay: [
      { ...conversation('a'), cut: true },
      { ...conversation('b'), cut: false },
    ],
    new: [conversation('n')],
    plan: { replayCount: 2, newCount: 1 },
    seed: 1,
  });
  expect(rows.filter((row) => 'cut' in row).map(({ id, cut }) => [id.split(':')[2], cut])).toEqual([['a', true]]);
});

describe('a mixture plan', () => {
  it("is the paper's: all new data, and replay so that 17 % of the whole is new", () => {
    const plan = planMixture({ replayAvailable: 100_000, newAvailable: 17_000, newShare: 0.17, onShortage: 'error' });
    expect(plan).toEqual({
      replayCount: 83_000,
      newCount: 17_000,
      total: 100_000,
      requestedShare: 0.17,
      share: 0.17,
      replayUnused: 17_000,
      newUnused: 0,
      shrunk: false,
    });
  });

  it('takes fewer new rows when replay is short and the policy says so', () => {
    const plan = planMixture({ replayAvailable: 14, newAvailable: 40, newShare: 0.17, onShortage: 'shrink-new' });
    expect(plan).toMatchObject({ replayCount: 14, newCount: 3, total: 17, newUnused: 37, replayUnused: 0, shrunk: true });
    expect(plan.share).toBeCloseTo(3 / 17, 12);
  });

  it('fails on the same shortage otherwise, and says by how much', () => {
    expect(() => planMixture({ replayAvailable: 14, newAvailable: 40, newShare: 0.17, onShortage: 'error' })).toThrow(
      '40 new rows at a share of 0.17 ask for 195 replay rows, but there are 14; extract more instructions, set a limit',
    );
  });

  it('keeps within a limit, at the share', () => {
    const plan = planMixture({ replayAvailable: 1_000, newAvailable: 500, newShare: 0.17, limit: 100, onShortage: 'error' });
    expect(plan).toMatchObject({ replayCount: 83, newCount: 17, total: 100, shrunk: false });
    const both = planMixture({ replayAvailable: 40, newAvailable: 500, newShare: 0.17, limit: 100, onShortage: 'shrink-new' });
    expect(both).toMatchObject({ replayCount: 40, newCount: 8, shrunk: true });
  });

  it('can be replay alone or new data alone, for comparisons', () => {
    expect(planMixture({ replayAvailable: 9, newAvailable: 5, newShare: 0, onShortage: 'error' })).toMatchObject({
      replayCount: 9,
      newCount: 0,
      share: 0,
    });
    expect(planMixture({ replayAvailable: 0, newAvailable: 5, newShare: 1, onShortage: 'error' })).toMatchObject({
      replayCount: 0,
      newCount: 5,
      share: 1,
    });
  });

  const count = fc.integer({ min: 1, max: 200_000 });
  const share = fc.oneof(fc.constantFrom(0.17, 0.5, 0.01, 0.99), fc.double({ min: 0.001, max: 0.999, noNaN: true }));

  it('has the nearest whole number of new rows to the share, whatever is at hand', () => {
    fc.assert(
      fc.property(count, count, share, fc.option(count, { nil: undefined }), (replayAvailable, newAvailable, newShare, limit) => {
        // Fewer rows than that have no new one at the nearest whole number; their refusal has a test of its own.
        fc.pre(Math.min(replayAvailable / (1 - newShare), limit ?? Infinity) * newShare > 0.51);
        const plan = planMixture({ replayAvailable, newAvailable, newShare, limit, onShortage: 'shrink-new' });
        expect(Math.abs(plan.newCount - newShare * plan.total)).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(plan.replayCount).toBeGreaterThanOrEqual(0);
        expect(plan.replayCount + plan.replayUnused).toBe(replayAvailable);
        expect(plan.newCount + plan.newUnused).toBe(newAvailable);
        expect(plan.newUnused).toBeGreaterThanOrEqual(0);
        expect(plan.replayUnused).toBeGreaterThanOrEqual(0);
        expect(plan.total).toBe(plan.replayCount + plan.newCount);
        expect(plan.total).toBeLessThanOrEqual(limit ?? Infinity);
      }),
      { numRuns: 2_000 },
    );
  });

  it('wastes nothing: without a limit it uses up one side', () => {
    fc.assert(
      fc.property(count, count, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (replayAvailable, newAvailable, newShare) => {
        fc.pre(replayAvailable > 20);
        const plan = planMixture({ replayAvailable, newAvailable, newShare, onShortage: 'shrink-new' });
        expect(plan.newUnused === 0 || plan.replayUnused === 0).toBe(true);
      }),
    );
  });

  it.each([
    [{ replayAvailable: 0 }, 'the replay set is empty'],
    [{ newAvailable: 0 }, 'there is no new data'],
    [{ newShare: 17 }, 'newShare is 17; give a share from 0 to 1'],
    [{ newShare: Number.NaN }, 'newShare is NaN'],
    [{ limit: 0 }, 'limit is 0; give a whole number from 1'],
    [{ replayAvailable: 1.5 }, 'replayAvailable is 1.5'],
    [{ limit: 2 }, '2 rows are too few for a share of 0.17: not one would be new'],
  ])('is refused for %j', (change, message) => {
    expect(() => planMixture({ replayAvailable: 10, newAvailable: 2, newShare: 0.17, onShortage: 'error', ...change })).toThrow(message);
  });
});

describe('a mixture', () => {
  const messagesOf = (text: string) => [
    { role: 'user' as const, content: `${text}?` },
    { role: 'assistant' as const, content: `${text}.` },
  ];
  const replayOf = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `i${n}`, messages: messagesOf(`i${n}`) }));
  const newOf = (count: number): Conversation[] =>
    Array.from({ length: count }, (_, n) => ({ id: `n${n}`, messages: messagesOf(`n${n}`) }));

  it('has the planned counts, no row twice, and every row with its own messages', () => {
    const size = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(size, size, fc.nat(), fc.nat(), fc.integer(), (replayCount, newCount, moreReplay, moreNew, seed) => {
        const rows = mix({
          replay: replayOf(replayCount + (moreReplay % 20)),
          new: newOf(newCount + (moreNew % 20)),
          plan: { replayCount, newCount },
          seed,
        });
        expect(rows.filter(({ source }) => source === 'replay')).toHaveLength(replayCount);
        expect(rows.filter(({ source }) => source === 'new')).toHaveLength(newCount);
        const origins = rows.map(({ id }) => id.slice(id.indexOf(':') + 1));
        expect(new Set(origins).size).toBe(rows.length);
        for (const [index, { source, messages }] of rows.entries()) {
          const [from, name] = origins[index]!.split(':');
          expect(from).toBe(source);
          expect(messages).toEqual(messagesOf(name!));
        }
      }),
    );
  });

  it('depends on the rows and the seed, not on the order in which the rows come', () => {
    const input = { replay: replayOf(50), new: newOf(20), plan: { replayCount: 30, newCount: 6 }, seed: 1 };
    const rows = mix(input);
    expect(mix({ ...input, replay: input.replay.toReversed(), new: input.new.toReversed() })).toEqual(rows);
    const origins = (seed: number): string[] => mix({ ...input, seed }).map(({ id }) => id.slice(id.indexOf(':') + 1));
    expect(origins(2)).not.toEqual(origins(1));
    expect(origins(2).toSorted()).not.toEqual(origins(1).toSorted());
  });

  it('has ids that sort in its order', () => {
    const ids = mix({ replay: replayOf(83), new: newOf(17), plan: { replayCount: 83, newCount: 17 }, seed: 3 }).map(({ id }) => id);
    expect(ids.toSorted()).toEqual(ids);
    expect(ids[0]).toMatch(/^m0000000:(replay:i|new:n)\d+$/);
  });

  it('of fewer rows is drawn from among those of more rows', () => {
    const base = { replay: replayOf(100), new: newOf(40), seed: 5 };
    const origins = (replayCount: number, newCount: number): Set<string> =>
      new Set(mix({ ...base, plan: { replayCount, newCount } }).map(({ id }) => id.slice(id.indexOf(':') + 1)));
    const more = origins(80, 20);
    for (const origin of origins(30, 5)) expect(more).toContain(origin);
  });

  it('draws every row equally often over many seeds, and spreads the new rows over the whole', () => {
    const drawn = new Array<number>(10).fill(0);
    const firstIsNew = new Array<number>(8).fill(0);
    for (let seed = 0; seed < 2_000; seed++) {
      const rows = mix({ replay: replayOf(10), new: newOf(2), plan: { replayCount: 6, newCount: 2 }, seed });
      rows.forEach(({ id, source }, position) => {
        if (source === 'replay') drawn[Number(id.split(':i')[1])]! += 1;
        else firstIsNew[position]! += 1;
      });
    }
    // Five standard deviations of 2000 draws at 0.6, and at 0.25.
    for (const count of drawn) expect(Math.abs(count - 1_200)).toBeLessThan(110);
    for (const count of firstIsNew) expect(Math.abs(count - 500)).toBeLessThan(97);
  });

  it('is refused when rows are too few or given twice', () => {
    const input = { replay: replayOf(3), new: newOf(2), plan: { replayCount: 3, newCount: 2 }, seed: 1 };
    expect(() => mix({ ...input, plan: { replayCount: 4, newCount: 2 } })).toThrow('the plan asks for 4 replay rows, but there are 3');
    expect(() => mix({ ...input, new: [...newOf(2), ...newOf(1)] })).toThrow('the new row n0 is given twice');
  });
});
