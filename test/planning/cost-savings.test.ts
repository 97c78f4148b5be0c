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

test('the frugal paper takes at most a quarter of the dollars of full judging with live calls, unless its judges do not agree at all, or like nearly everything', async () => {
  const { ways, byJudges } = planCost(await loadSpecFile('paper-frugal'));
  const quarter = ways!.find(({ way }) => way === 'in full, live')!.usd / 4;
  expect(ways!.find(({ way }) => way === 'both')!.usd).toBeLessThan(quarter);
  expect(byJudges!.filter(({ usdInBatches }) => usdInBatches > quarter).map(({ correlation, fives }) => [correlation, fives])).toEqual([
    [0, 0.25],
    [0.5, 0.6],
  ]);
});

test('one generator after the other leaves out less, and takes as many rounds', async () => {
  const spec = await loadSpecFile('paper-frugal');
  const { judge, ...synthesis } = spec.synthesis;
  const before = planCost({ ...spec, synthesis: { ...synthesis, judge: { ...judge, rounds: 'generators' } } });
  const [byGenerator, byProspect] = [before, planCost(spec)].map(({ ways }) => ways!.find(({ isSpec }) => isSpec)!);
  expect(byGenerator!.days).toBe(byProspect!.days);
  expect(byGenerator!.usd).toBeGreaterThan(1.4 * byProspect!.usd);
});

test('a batch takes as long as its provider promises, and a later judge is asked in three rounds', async () => {
  const plan = planCost(await loadSpecFile('paper-frugal'));
  const days = new Map(plan.ways?.map((way) => [way.way, way.days]));
  const day = DEFAULT_ASSUMPTIONS.batchHours.value / 24;
  expect(days.get('batches')).toBe(2 * day); // its answers, its judgments
  expect(days.get('both')).toBe((1 + 3) * day);
});
