import type { Variant } from '../../../config/variants';
import type { HeldOutSet } from '../../../method/hold-out';
import type { VariantSource } from '../../../report/gather/comparison-report';
import { reportHeldOut } from '../../../report/gather/held-out-report';
import type { Block, ChartBlock } from '../../../report/page/blocks';
import { heldOutSection } from '../../../report/page/sections/held-out-section';
import { heldOutCsv } from '../../../report/render/report-csv';
import type { HeldOutLossRow } from '../../../stages/evaluate-loss';

const CONVERSATIONS = 60;

/** Losses of 2 nats and `shift` more, with some noise that is the same for all models; every other conversation is twice as long. */
function losses(
  set: HeldOutSet,
  shift: (index: number) => number,
  tokens = (index: number): number => (index % 2 === 0 ? 10 : 20),
): HeldOutLossRow[] {
  return Array.from({ length: CONVERSATIONS }, (_, index) => ({
    set,
    id: `i${String(index).padStart(3, '0')}`,
    loss: 2 + Math.sin(index) + shift(index),
    tokens: tokens(index),
  }));
}

function source(name: string, replay: Variant['replay'], rows: readonly HeldOutLossRow[], share = 0.17): VariantSource {
  const result = { protocol: 1 as const, kind: 'evaluate' as const, tasks: [], average: 0, seconds: 1, versions: {}, weightsSha256: 'w' };
  return {
    variant: { name, replay, newShare: 0.17 },
    mixture: replay === null ? null : { replay: 83, new: 17, share },
    training: null,
    dataCost: null,
    evaluation: { result, samples: [], losses: rows },
  };
}

const none = (): number => 0;
const official = source('official', null, [...losses('replay', none), ...losses('new', none)]);

test('a variant is compared with the official model on the same conversations, each counting by its tokens', () => {
  // Short conversations rise by 0.3, long ones by 0.1: by tokens (10 x 0.3 + 20 x 0.1) / 30.
  const forgetful = source('new-data-only', { kind: 'none' }, [
    ...losses('replay', (index) => (index % 2 === 0 ? 0.3 : 0.1)),
    ...losses('new', () => -0.5),
  ]);
  const [replay, fresh, ...others] = reportHeldOut({ seed: 1 }, [official, forgetful]);
  expect(others).toEqual([]);
  expect(replay).toMatchObject({ set: 'replay', conversations: 60, tokens: 900 });
  const [before, after] = replay!.variants;
  expect(before).toMatchObject({ name: 'official', change: null });
  expect(after!.change!.value).toBeCloseTo(1 / 6, 12);
  expect(after!.loss - before!.loss).toBeCloseTo(1 / 6, 12);
  expect(after!.change!.low).toBeGreaterThan(0.1);
  expect(after!.change!.high).toBeLessThan(0.3);
  expect(after!.change!.adjustedP).toBeLessThan(0.05);
  expect(fresh!.variants[1]!.change).toMatchObject({ value: expect.closeTo(-0.5, 9) as number, low: null, verdict: 'differs' });
});

test.each([
  ['equal', (): number => 0.3],
  ['equal but for their last digits', (index: number): number => index / 7 + 0.3 - index / 7],
  ['unequal', (index: number): number => 0.1 * (1 + index)],
])('five differences of one sign, %s, are too few to say: p is 2 of 32, and nothing is coloured', (_, shift) => {
  const five = (rows: readonly HeldOutLossRow[]): HeldOutLossRow[] => rows.slice(0, 5);
  const sets = reportHeldOut({ seed: 1 }, [
    source('official', null, five(losses('new', none))),
    source('method', { kind: 'method' }, five(losses('new', shift))),
  ]);
  const { change } = sets[0]!.variants[1]!;
  expect(change).toMatchObject({ p: 0.0625, adjustedP: 0.0625, exact: true, verdict: 'too few to say', smallest: null });
  const shown = JSON.stringify(heldOutSection(sets));
  expect(shown).toContain('too few to say (5)');
  expect(shown).not.toMatch(/"tone":"(good|bad)"/);
});

test('a single held-out conversation of each set tells a loss and nothing more', () => {
  const one = (set: HeldOutSet, shift: number): HeldOutLossRow => ({ set, id: 'i0', loss: 2 + shift, tokens: 12 });
  const sets = reportHeldOut({ seed: 1 }, [
    source('official', null, [one('replay', 0), one('own', 0), one('new', 0)]),
    source('method', { kind: 'method' }, [one('replay', 1), one('own', -1), one('new', -2)]),
  ]);
  for (const { variants } of sets) {
    expect(variants[1]!.change).toMatchObject({ low: null, high: null, p: 1, adjustedP: 1, verdict: 'too few to say', smallest: null });
  }
  expect(JSON.stringify(heldOutSection(sets))).not.toMatch(/"tone":"(good|bad)"|Infinity|NaN/);
});

test('where other conversations or tokens were measured nothing is compared, and a model without losses is left out', () => {
  const cut = source(
    'cut',
    { kind: 'none' },
    losses('replay', none, () => 10),
  );
  const fewer = source('fewer', { kind: 'none' }, losses('replay', none).slice(1));
  const [replay] = reportHeldOut({ seed: 1 }, [official, cut, fewer, source('unmeasured', { kind: 'none' }, [])]);
  expect(replay!.variants.map(({ name, change }) => [name, change])).toEqual([
    ['official', null],
    ['cut', null],
    ['fewer', null],
  ]);
});

test('the section tells every loss with its difference, and colours a rise as bad', () => {
  const sets = reportHeldOut({ seed: 1 }, [
    official,
    source('method', { kind: 'method' }, [...losses('replay', () => 0.25), ...losses('new', () => -0.125)]),
  ]);
  const [section] = heldOutSection(sets);
  const table = section!.blocks.find((block) => block.kind === 'table');
  expect(table?.kind === 'table' ? table.rows[1]!.slice(1) : []).toEqual([
    { text: expect.stringMatching(/ \(\+0\.250\)$/) as string, tone: 'bad' },
    { text: expect.stringMatching(/ \(−0\.125\)$/) as string, tone: 'good' },
  ]);
  expect(heldOutSection([])[0]!.blocks).toEqual([{ kind: 'note', tone: 'info', text: 'Nothing has been measured yet.' }]);
  expect(heldOutSection(null)).toEqual([]);
});

test('the losses of the method at several shares of new data are drawn over the share, those of other variants are not', () => {
  const at = (name: string, share: number): VariantSource =>
    source(
      name,
      { kind: 'method' },
      [...losses('replay', (index) => share / (2 + (index % 3))), ...losses('new', (index) => -share / (2 + (index % 3)))],
      share,
    );
  const sets = reportHeldOut({ seed: 1 }, [
    official,
    at('method', 0.17),
    at('method-share-0.5', 0.5),
    source(
      'new-data-only',
      { kind: 'none' },
      losses('replay', () => 1),
      1,
    ),
  ]);
  const titled = (blocks: readonly Block[]): ChartBlock[] =>
    blocks.flatMap((block) =>
      block.kind === 'columns' ? titled(block.blocks) : block.kind === 'chart' && block.title.includes('shares') ? [block] : [],
    );
  const [chart] = titled(heldOutSection(sets)[0]!.blocks);
  expect(chart!.legend!.map(({ name }) => name)).toEqual(['replay set', 'new data']);
  expect(chart!.alt).toMatch(/^replay set: 17\.0\s% \+0\.\d+, 50\.0\s% \+0\.\d+; new data: 17\.0\s% −0\.\d+, 50\.0\s% −0\.\d+$/);
  const oneShare = reportHeldOut({ seed: 1 }, [official, at('method', 0.17)]);
  expect(titled(heldOutSection(oneShare)[0]!.blocks)).toEqual([]);
});

test('the losses as CSV, a row a set and variant', () => {
  const sets = reportHeldOut({ seed: 1 }, [
    official,
    source(
      'method',
      { kind: 'method' },
      losses('replay', (index) => 0.25 + (index % 2) / 100),
    ),
  ]);
  const [header, before, after] = heldOutCsv(sets).split('\r\n');
  expect(header).toBe('set,variant,share,conversations,tokens,loss,difference,low,high,p,adjustedP,test,verdict,smallest');
  expect(before).toMatch(/^replay,official,,60,900,2\.\d+,,,,,,,,$/);
  expect(after).toMatch(/^replay,method,0\.17,60,900,2\.\d+,0\.25\d*,0\.25\d+,0\.25\d+,[\d.e-]+,[\d.e-]+,(exact|sampled),differs,0\.0\d+$/);
});
