import { DEFAULT_ASSUMPTIONS } from '../../planning/cost-assumptions';
import { planCost } from '../../planning/cost-plan';
import { loadSpecFile } from '../../services/runs/spec-files';

test.each([
  ['paper', ['in full, live']],
  ['paper-frugal', ['both']],
])('the ways of %s, and which of them the spec has', async (preset, own) => {
  const { ways } = planCost(await loadSpecFile(preset));
  expect(ways?.filter(({ isSpec }) => isSpec).map(({ way }) => way)).toEqual(own);
});

test('batches halve the price of the dear model, and a spec that orders them is planned so', async () => {
  const plan = planCost(await loadSpecFile('paper-frugal'));
  const usd = new Map(plan.ways?.map((way) => [way.way, way.usd]));
  expect(usd.get('batches')).toBeCloseTo(usd.get('in full, live')! / 2, 6);
  expect(usd.get('both')).toBeCloseTo(usd.get('early judging')! / 2, 6);
  expect(plan.usd.expected).toBeCloseTo(usd.get('both')!, 6);
});

test('a batch takes as long as its provider promises, and later judges are asked about one generator after the other', async () => {
  const plan = planCost(await loadSpecFile('paper-frugal'));
  const days = new Map(plan.ways?.map((way) => [way.way, way.days]));
  const day = DEFAULT_ASSUMPTIONS.batchHours.value / 24;
  expect(days.get('batches')).toBe(2 * day); // its answers, its judgments
  expect(days.get('both')).toBe((1 + 3) * day);
});
