import type { HeldOutRow } from '../../../../method/hold-out';
import type { VariantSource } from '../../../../report/gather/comparison-report';
import { reportHeldOut, type HeldOutSetReport } from '../../../../report/gather/held-out-report';
import type { Block } from '../../../../report/page/blocks';
import { compareHeldOut } from '../../../../report/page/sections/compare-held-out';

const TOKENS = 10;

/** Rows of the replay set as a run names them, and of the new data. */
function kept(ids: readonly string[], text = (id: string): string => id): HeldOutRow[] {
  const row = (set: 'replay' | 'new', id: string, content: string): HeldOutRow => ({
    set,
    id,
    messages: [
      { role: 'user', content },
      { role: 'assistant', content: 'So.' },
    ],
  });
  return [...ids.map((id, index) => row('replay', id, text(String(index)))), row('new', 'n0000001', 'Fresh?')];
}

function source(
  name: string,
  replay: VariantSource['variant']['replay'],
  rows: readonly HeldOutRow[],
  loss: { readonly replay: number; readonly new: number },
): VariantSource {
  const result = { protocol: 1 as const, kind: 'evaluate' as const, tasks: [], average: 0, seconds: 1, versions: {}, weightsSha256: 'w' };
  const losses = rows.map(({ set, id }) => ({ set, id, loss: loss[set as 'replay' | 'new'], tokens: TOKENS }));
  return {
    variant: { name, replay, newShare: 0.17 },
    mixture: null,
    training: null,
    dataCost: null,
    evaluation: { result, samples: [], losses },
  };
}

function run(rows: readonly HeldOutRow[], methodLoss: number, variants: readonly string[] = ['official', 'method']): HeldOutSetReport[] {
  return reportHeldOut(
    { seed: 1 },
    variants.map((name) =>
      source(name, name === 'official' ? null : { kind: 'method' }, rows, {
        replay: name === 'official' ? 2 : methodLoss,
        new: name === 'official' ? 3 : 2.5,
      }),
    ),
    rows,
  );
}

function blocksOf(a: readonly HeldOutSetReport[] | null, b: readonly HeldOutSetReport[] | null): readonly Block[] {
  return compareHeldOut({ runId: 'first', heldOut: a }, { runId: 'second', heldOut: b })[0]?.blocks ?? [];
}

function texts(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) => (block.kind === 'text' || block.kind === 'note' ? [block.text] : []));
}

function rowsOf(block: Block | undefined): unknown {
  return block?.kind === 'table' ? block.rows : undefined;
}

test('losses on the same texts are subtracted, whatever the two runs call them', () => {
  const blocks = blocksOf(
    run(kept(['i0000001', 'i0000002']), 2.25),
    run(
      kept(['i0000008', 'i0000009'], (id) => String(1 - Number(id))),
      2.125,
    ),
  );
  expect(texts(blocks)[0]).toBe('Both took the loss on the same 2 conversations of the replay set.');
  expect(rowsOf(blocks[1])).toEqual([
    ['official', '2.000', '2.000', '0.000'],
    ['method', '2.250 (+0.250)', '2.125 (+0.125)', '−0.125'],
  ]);
  expect(rowsOf(blocks[3])).toEqual([
    ['official', '3.000', '3.000', '0.000'],
    ['method', '2.500 (−0.500)', '2.500 (−0.500)', '0.000'],
  ]);
});

test('losses on other texts are not, and it is said; those of a set that is the same still are', () => {
  const blocks = blocksOf(
    run(kept(['i0000001', 'i0000002']), 2.25),
    run(
      kept(['i0000001', 'i0000002'], (id) => `other ${id}`),
      2.125,
    ),
  );
  expect(texts(blocks)[0]).toMatch(
    /^The two held out different rows of the replay set \(first: 2 conversations, 20 tokens; second: 2 conversations, 20 tokens\), so their losses are not compared\./,
  );
  expect(rowsOf(blocks[1])).toEqual([
    ['official', '2.000', '2.000'],
    ['method', '2.250 (+0.250)', '2.125 (+0.125)'],
  ]);
  expect(texts(blocks)[1]).toBe('Both took the loss on the same 1 conversation of the new data.');
});

test('a variant of one run alone has a loss there and no difference', () => {
  const rows = kept(['i0000001']);
  expect(rowsOf(blocksOf(run(rows, 2.25), run(rows, 2.25, ['official']))[1])).toEqual([
    ['official', '2.000', '2.000', '0.000'],
    ['method', '2.250 (+0.250)', '–', '–'],
  ]);
});

test('where a run has no losses, or held out nothing of a set, that is said', () => {
  const rows = kept(['i0000001']);
  expect(texts(blocksOf(run(rows, 2), null))).toEqual(['There is nothing to compare: second has no loss on held-out rows (mix.holdOut).']);
  expect(texts(blocksOf([], []))).toEqual(['There is nothing to compare: first and second have no loss on held-out rows (mix.holdOut).']);
  expect(texts(blocksOf(run(rows, 2), run(rows.slice(1), 2)))[0]).toBe('Only first held out rows of the replay set.');
  expect(blocksOf(null, null)).toEqual([]);
});
