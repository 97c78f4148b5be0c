import fc from 'fast-check';
import { createRandom } from '../../method/random';
import { seenOf } from '../../method/unseen';

test('coverage, unseen kinds and new ones in as many draws are those of the published estimators', () => {
  // 7 draws: a a b b c d e; f1 = 3, f2 = 2. Chao-Jost: 1 - 3/7 x (6 x 3)/(6 x 3 + 2 x 2) = 1 - 3/7 x 18/22.
  const seen = seenOf(['a', 'a', 'b', 'b', 'c', 'd', 'e']);
  expect(seen).toMatchObject({ sample: 7, kinds: 5, once: 3, twice: 2 });
  expect(seen.coverage).toBeCloseTo(1 - (3 / 7) * (18 / 22), 12);
  // Chao 1984 with the factor (n - 1) / n: 6/7 x 9 / 4.
  const unseen = (6 / 7) * (9 / 4);
  expect(seen.unseenAtLeast).toBeCloseTo(unseen, 12);
  expect(seen.newInAsMany).toBeCloseTo(unseen * (1 - (1 - 3 / (7 * unseen + 3)) ** 7), 12);
  expect(seen.curve.map(({ kinds }) => kinds)).toEqual([1, 1, 2, 2, 3, 4, 5]);
});

test('where every draw was another kind, the next one is new, and nothing tells how many there are', () => {
  const seen = seenOf(Array.from({ length: 200 }, (_, index) => index));
  expect(seen).toMatchObject({ coverage: 0, unseenAtLeast: null });
  expect(seen.newInAsMany).toBeGreaterThan(195);
});

test('where all kinds were drawn often, nothing new is to come', () => {
  const seen = seenOf(Array.from({ length: 200 }, (_, index) => index % 10));
  expect(seen).toMatchObject({ kinds: 10, coverage: 1, unseenAtLeast: 0, newInAsMany: 0 });
  expect(seenOf([])).toMatchObject({ sample: 0, kinds: 0, coverage: 0, newInAsMany: 0, curve: [] });
  expect(seenOf(['only'])).toMatchObject({ coverage: 0, unseenAtLeast: null, newInAsMany: 0 });
});

test('it is near the truth of a distribution that is known, and says so of the draws to come', () => {
  // 300 kinds, of which kind k is drawn with a chance in proportion to 1 / (k + 1).
  const weights = Array.from({ length: 300 }, (_, kind) => 1 / (kind + 1));
  const total = weights.reduce((sum, each) => sum + each, 0);
  const random = createRandom(4);
  const draw = (): number => {
    let place = (random.below(2 ** 32) / 2 ** 32) * total;
    const kind = weights.findIndex((weight) => (place -= weight) < 0);
    return kind === -1 ? 299 : kind;
  };
  const errors = { coverage: 0, fresh: 0 };
  const trials = 40;
  for (let trial = 0; trial < trials; trial++) {
    const sample = Array.from({ length: 400 }, draw);
    const seen = seenOf(sample);
    const known = new Set(sample);
    const mass = [...known].reduce((sum, kind) => sum + weights[kind]!, 0) / total;
    const fresh = new Set(Array.from({ length: 400 }, draw).filter((kind) => !known.has(kind))).size;
    errors.coverage += (seen.coverage - mass) / trials;
    errors.fresh += (seen.newInAsMany - fresh) / trials;
  }
  expect(Math.abs(errors.coverage)).toBeLessThan(0.02);
  expect(Math.abs(errors.fresh)).toBeLessThan(6);
});

test('the curve never falls, ends at the sample, and coverage is a share', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 120 }), (kinds) => {
      const { curve, coverage, unseenAtLeast, newInAsMany } = seenOf(kinds);
      curve.forEach((point, index) => expect(point.kinds).toBeGreaterThanOrEqual(curve[index - 1]?.kinds ?? 0));
      expect(curve.at(-1)).toEqual({ sample: kinds.length, kinds: new Set(kinds).size });
      expect(coverage).toBeGreaterThanOrEqual(0);
      expect(coverage).toBeLessThanOrEqual(1);
      expect(unseenAtLeast ?? 0).toBeGreaterThanOrEqual(0);
      expect(newInAsMany).toBeGreaterThanOrEqual(0);
      expect(newInAsMany).toBeLessThanOrEqual(kinds.length);
    }),
  );
});
