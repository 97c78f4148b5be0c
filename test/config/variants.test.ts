import { parseSpec } from '../../config/load-spec';
import { PUBLIC_SETS } from '../../config/replay-sets';
import { variantsOf } from '../../config/variants';
import { loadSpecFile } from '../../services/runs/spec-files';
import { smallSpec } from '../support/small-spec';

const URL = 'http://127.0.0.1:9/v1';

test('without more, the official model and the method are compared', () => {
  expect(variantsOf(smallSpec(URL))).toEqual([
    { name: 'official', replay: null, newShare: 0 },
    { name: 'method', replay: { kind: 'method' }, newShare: 0.17 },
  ]);
});

test("the paper's preset has every row of Table 1, and new data alone", async () => {
  const rows = variantsOf(await loadSpecFile('paper'));
  expect(rows.map(({ name }) => name)).toEqual([
    'official',
    'method',
    ...Object.keys(PUBLIC_SETS),
    'first-response',
    'target-best',
    'new-data-only',
  ]);
  expect(rows.filter(({ replay }) => replay?.kind === 'dataset')).toHaveLength(8);
  expect(rows.at(-1)).toEqual({ name: 'new-data-only', replay: { kind: 'none' }, newShare: 1 });
});

test("a sweep is the method at other shares; the method's own is not run twice", () => {
  const spec = smallSpec(URL, (input) => (input.sweep = { newShare: [0.05, 0.17, 0.5] }));
  expect(variantsOf(spec).slice(2)).toEqual([
    { name: 'method-share-0.05', replay: { kind: 'method' }, newShare: 0.05 },
    { name: 'method-share-0.5', replay: { kind: 'method' }, newShare: 0.5 },
  ]);
});

test('a public set can be pinned, or read from local files in its own columns', () => {
  const spec = smallSpec(URL, (input) => {
    input.variants = [
      { name: 'pinned', replay: { set: 'wildchat', revision: 'abc123' } },
      { name: 'local', replay: { set: 'openhermes-1', files: ['a.jsonl'] }, newShare: 0.5 },
    ];
  });
  expect(variantsOf(spec)).toEqual([
    {
      name: 'pinned',
      newShare: 0.17,
      replay: {
        kind: 'dataset',
        title: 'WildChat',
        licence: 'ODC-By',
        schema: { kind: 'messages', column: 'conversation' },
        source: { from: 'hub', hub: 'allenai/WildChat', revision: 'abc123', config: null, splits: ['train'], streaming: true },
      },
    },
    {
      name: 'local',
      newShare: 0.5,
      replay: {
        kind: 'dataset',
        title: 'OpenHermes 1, from local files',
        licence: null,
        schema: { kind: 'alpaca' },
        source: { from: 'files', files: ['a.jsonl'] },
      },
    },
  ]);
});

test('an ablation needs the target model among those whose work it is made from', () => {
  const spec = (replay: 'first-response' | 'target-best', lists: { generators?: string[]; judges?: string[] }): unknown => {
    const { synthesis, ...rest } = smallSpec(URL);
    return {
      ...rest,
      variants: [replay],
      synthesis: {
        ...synthesis,
        respond: { ...synthesis.respond, ...(lists.generators === undefined ? {} : lists) },
        judge: { ...synthesis.judge, ...(lists.judges === undefined ? {} : lists) },
      },
    };
  };
  expect(() => parseSpec(spec('first-response', { generators: ['other'] }))).toThrow(
    'expected the target model (target) among synthesis.respond.generators',
  );
  expect(() => parseSpec(spec('target-best', { judges: ['other'] }))).toThrow(
    'expected the target model (target) among synthesis.judge.judges',
  );
  expect(() => parseSpec(spec('first-response', { judges: ['other'] }))).not.toThrow();
});
