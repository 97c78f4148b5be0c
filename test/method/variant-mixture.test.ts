import fc from 'fast-check';
import { planMixture } from '../../method/mixture';
import { planVariantMixture } from '../../method/variant-mixture';

const base = planMixture({ replayAvailable: 100, newAvailable: 15, newShare: 0.17, onShortage: 'shrink-new' });

test("at the method's share a variant has as many examples of either side as the method", () => {
  const plan = planVariantMixture({ base, replayAvailable: 5_000, newAvailable: 15, newShare: 0.17 });
  expect(plan).toMatchObject({ replayCount: base.replayCount, newCount: base.newCount, total: base.total, shrunk: false });
});

test('a replay set with too few rows gives them all, and the new data stays', () => {
  const plan = planVariantMixture({ base, replayAvailable: 10, newAvailable: 15, newShare: 0.17 });
  expect(plan).toMatchObject({ replayCount: 10, newCount: base.newCount, shrunk: true });
  expect(plan.share).toBeCloseTo(base.newCount / (10 + base.newCount), 12);
});

test("new data alone is the method's new data", () => {
  expect(planVariantMixture({ base, replayAvailable: 0, newAvailable: 15, newShare: 1 })).toMatchObject({
    replayCount: 0,
    newCount: base.newCount,
    share: 1,
    shrunk: false,
  });
});

test('an empty replay set is refused', () => {
  expect(() => planVariantMixture({ base, replayAvailable: 0, newAvailable: 15, newShare: 0.17 })).toThrow('the replay set is empty');
});

test('at another share there are never more examples than the method has, and the share holds to the nearest row', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 400 }),
      fc.integer({ min: 20, max: 400 }),
      fc.constantFrom(0.05, 0.1, 0.33, 0.5, 0.8),
      (replayAvailable, newAvailable, newShare) => {
        const own = planMixture({ replayAvailable, newAvailable, newShare: 0.17, onShortage: 'shrink-new' });
        const plan = planVariantMixture({ base: own, replayAvailable, newAvailable, newShare });
        expect(plan.total).toBeLessThanOrEqual(own.total);
        expect(Math.abs(plan.newCount - newShare * plan.total)).toBeLessThanOrEqual(1);
      },
    ),
  );
});
