import type { RunSpecInput } from '../../../config/spec';
import { variantsOf } from '../../../config/variants';
import { reportFrontier, type Frontier } from '../../../report/gather/frontier';
import { reportHeldOut } from '../../../report/gather/held-out-report';
import { frontierSection } from '../../../report/page/sections/frontier-section';
import { drawChart } from '../../../report/render/draw-chart';
import type { HeldOutLossRow } from '../../../stages/evaluate-loss';
import { smallSpec } from '../../support/small-spec';

const URL = 'http://127.0.0.1:9/v1';

/** What each row learned and forgot, in nats a token, on so many conversations of each set. */
type Outcome = Readonly<Record<string, readonly [gain: number, forgetting: number]>>;

function frontierOf(
  variants: NonNullable<RunSpecInput['variants']>,
  outcome: Outcome,
  {
    conversations = 40,
    sets = ['own', 'new'] as readonly HeldOutLossRow['set'][],
    limit = undefined as number | undefined,
    sweep = undefined as RunSpecInput['sweep'],
  } = {},
): Frontier | undefined {
  const spec = smallSpec(URL, (input) => {
    input.variants = variants;
    if (sweep !== undefined) input.sweep = sweep;
  });
  const losses = (name: string): HeldOutLossRow[] => {
    const [gain, forgetting] = outcome[name] ?? [0, 0];
    return sets.flatMap((set) =>
      Array.from({ length: conversations }, (_, index) => ({
        set,
        id: `i${String(index).padStart(3, '0')}`,
        loss: 3 + Math.sin(index) + (name === 'official' ? 0 : (set === 'new' ? -gain : forgetting) + 0.01 * Math.cos(index * 7)),
        tokens: 10,
      })),
    );
  };
  const result = { protocol: 1 as const, kind: 'evaluate' as const, tasks: [], average: 0, seconds: 1, versions: {}, weightsSha256: 'w' };
  const sources = variantsOf(spec)
    .filter(({ name }) => outcome[name] !== undefined)
    .map((variant) => ({
      variant,
      mixture: null,
      training: null,
      dataCost: null,
      evaluation: { result, samples: [], losses: losses(variant.name) },
    }));
  return reportFrontier(spec, reportHeldOut(spec, sources), limit);
}

const OUTCOME: Outcome = { official: [0, 0], method: [0.2, 0.01], 'new-data-only': [0.25, 0.11], ultrachat: [0.15, 0.33] };

test('rows that another one beats are told apart from those on the front, the official model included', () => {
  const frontier = frontierOf(['official', 'method', 'new-data-only', 'ultrachat'], OUTCOME)!;
  expect(frontier.measure).toBe('own');
  expect(frontier.front).toEqual(['official', 'method', 'new-data-only']);
  const method = frontier.points.find(({ name }) => name === 'method')!;
  expect(method.gain.value).toBeCloseTo(0.2, 2);
  expect(method.gain.low!).toBeLessThan(method.gain.value);
  expect(method.gain.high!).toBeGreaterThan(method.gain.value);
  expect(method.tooFew).toBe(false);
});

test('the row that learns most within a stated forgetting is named, its whole interval counted', () => {
  const named = (limit: number | undefined): string | null =>
    frontierOf(['official', 'method', 'new-data-only', 'ultrachat'], OUTCOME, { limit })!.choice.name;
  expect(named(undefined)).toBe('method');
  expect(named(0.2)).toBe('new-data-only');
  const entry = frontierOf(['official', 'method', 'new-data-only', 'ultrachat'], OUTCOME)!.choice.variants;
  expect(entry).toEqual(['official', 'method']);
  expect(named(0.0101)).toBeNull(); // the value would stay within it, the interval does not
});

test('a larger run is told what it takes to have the row, a swept share and the source of an interpolation included', () => {
  const swept = frontierOf(
    ['official', 'method'],
    { official: [0, 0], method: [0.1, 0.01], 'method-share-0.5': [0.3, 0.02] },
    { sweep: { newShare: [0.5] } },
  )!;
  expect(swept.choice).toMatchObject({
    name: 'method-share-0.5',
    variants: ['official', { name: 'method-share-0.5', replay: 'method', newShare: 0.5 }],
  });
  const half = { name: 'half', interpolate: { of: 'method', weight: 0.5 } };
  const between = frontierOf(['official', half, 'method'], { official: [0, 0], method: [0.3, 0.2], half: [0.2, 0.01] })!;
  expect(between.choice).toMatchObject({ name: 'half', variants: ['official', 'method', half] });
});

test('rows that differ in one setting alone are joined: shares, rates, and weights between the official model and a row', () => {
  const frontier = frontierOf(
    [
      'official',
      'method',
      { name: 'hot', replay: 'method', train: { learningRate: 1e-5 } },
      { name: 'hotter', replay: 'method', train: { learningRate: 1e-4 } },
      { name: 'three-quarters', interpolate: { of: 'method', weight: 0.75 } },
      { name: 'half', interpolate: { of: 'method', weight: 0.5 } },
      { name: 'lora', train: { method: 'lora' } },
    ],
    Object.fromEntries(
      ['official', 'method', 'hot', 'hotter', 'three-quarters', 'half', 'lora', 'method-share-0.5'].map(
        (name) => [name, [0.1, 0.1]] as const,
      ),
    ),
    { sweep: { newShare: [0.5] } },
  )!;
  expect(frontier.lines.map(({ setting, rows }) => [setting, rows.map(({ name }) => name)])).toEqual([
    ['share of new data', ['method', 'method-share-0.5']],
    ['learning rate', ['method', 'hot', 'hotter']],
    ['weight of method', ['official', 'half', 'three-quarters', 'method']],
  ]);
});

test('without own answers forgetting is measured on the replay set; without new data or a trained row there is nothing to draw', () => {
  expect(frontierOf(['official', 'method'], { official: [0, 0], method: [0.2, 0.1] }, { sets: ['replay', 'new'] })!.measure).toBe('replay');
  expect(frontierOf(['official', 'method'], { official: [0, 0], method: [0.2, 0.1] }, { sets: ['own'] })).toBeUndefined();
  expect(frontierOf(['official', 'method'], { official: [0, 0] })).toBeUndefined();
});

test('the section draws every row, says what is beaten by what, and warns where conversations are too few', async () => {
  const frontier = frontierOf(['official', 'method', 'new-data-only', 'ultrachat'], OUTCOME, { conversations: 10 })!;
  const [section] = frontierSection(frontier);
  const chart = section!.blocks.find((block) => block.kind === 'chart')!;
  if (chart.kind !== 'chart') throw new Error('no chart');
  const svg = await drawChart(chart.spec);
  for (const name of Object.keys(OUTCOME)) expect(svg).toContain(`>${name}<`);
  expect(chart.alt).toMatch(/^official learned 0\.000, from 0\.000 to 0\.000 and forgot .*; method learned \+0\.\d+, from /);
  expect(chart.numbers!.rows.map((row) => row.at(-1))).toEqual([
    'none: on the front',
    'none: on the front',
    'none: on the front',
    'method and new-data-only',
  ]);
  expect(JSON.stringify(section)).toContain('fewer than twenty conversations');
  expect(frontierSection(null)).toEqual([]);
});
