import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { parse } from 'yaml';
import { variantsOf, type OwnAnswers } from '../../config/variants';
import type { Variant } from '../../config/variants';
import { datasetCard } from '../../export/dataset-card';
import { DATASET_SHAPES, shapeRow, type DatasetShape } from '../../export/dataset-shapes';
import { METHOD } from '../../export/export-rows';
import { writeDataset } from '../../export/publish-dataset';
import { writeSampleRun, type SampleRun } from '../support/sample-run';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';

const folder = useTempFolder();

async function publish(run: SampleRun, stage: 'replay' | 'mixture', shape: DatasetShape, variant: Variant = METHOD) {
  const to = join(folder(), `${stage}-${shape}`);
  const result = await writeDataset({ runId: run.runId, stages: run.stages, plan: run.plan, variant, stage, shape, folder: to });
  const bytes = await readFile(join(to, 'data', 'train.parquet'));
  const rows = (await parquetReadObjects({
    file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
  })) as Record<string, unknown>[];
  const card = await readFile(join(to, 'README.md'), 'utf8');
  return { result, rows, card };
}

test('a replay set becomes nested columns with the model and the mean score of each row', async () => {
  const run = await writeSampleRun({ root: join(folder(), 'store') });
  const { result, rows } = await publish(run, 'replay', 'messages');
  expect(result.rows).toBe(rows.length);
  expect(rows[0]).toEqual({
    id: 'i0000000',
    model: expect.any(String) as string,
    mean_score: expect.any(Number) as number,
    cut: false,
    messages: [
      { role: 'user', content: expect.any(String) as string },
      { role: 'assistant', content: expect.any(String) as string },
    ],
  });
});

test.each(DATASET_SHAPES)('a mixture is written in the shape %s, every row of it', async (shape) => {
  const run = await writeSampleRun({ root: join(folder(), 'store') });
  const { result, rows } = await publish(run, 'mixture', shape);
  expect(rows).toHaveLength(result.rows);
  expect(result.leftOut).toBe(0);
  const columns = {
    messages: ['cut', 'id', 'messages', 'source'],
    sharegpt: ['conversations', 'cut', 'id', 'source'],
    alpaca: ['cut', 'id', 'input', 'instruction', 'output', 'source'],
  };
  expect(Object.keys(rows[0]!).sort()).toEqual(columns[shape]);
  expect(new Set(rows.map(({ source }) => source))).toEqual(new Set(['replay', 'new']));
});

test("the card has the hub's front matter, the counts, the judges' prompt and the models' terms", async () => {
  const run = await writeSampleRun({
    root: join(folder(), 'store'),
    spec: (spec) => ({
      ...spec,
      models: Object.fromEntries(Object.entries(spec.models).map(([name, model]) => [name, { ...model, licence: 'Apache-2.0' }])),
    }),
  });
  const { card, rows } = await publish(run, 'replay', 'messages');
  const [, front = ''] = card.split('---\n');
  expect(parse(front)).toMatchObject({
    license: 'other',
    size_categories: ['n<1K'],
    configs: [{ data_files: [{ split: 'train', path: 'data/*.parquet' }] }],
  });
  expect(card).toContain(`${rows.length} conversations`);
  expect(card).toContain('Assign a score based on the following 5-point scale');
  expect(card).toContain('| Apache-2.0 |');
  expect(card).toContain(`replay/${run.plan.keys.select}`);
});

test('Alpaca holds one turn only', () => {
  const turn = [
    { role: 'user' as const, content: 'a' },
    { role: 'assistant' as const, content: 'b' },
  ];
  expect(shapeRow({ id: 'x', messages: turn, extra: {} }, 'alpaca')).toEqual({ id: 'x', instruction: 'a', input: '', output: 'b' });
  expect(shapeRow({ id: 'x', messages: [...turn, ...turn], extra: {} }, 'alpaca')).toBeUndefined();
  expect(shapeRow({ id: 'x', messages: [{ role: 'system', content: 's' }, ...turn], extra: {} }, 'alpaca')).toBeUndefined();
  expect(shapeRow({ id: 'x', messages: [{ role: 'system', content: 's' }, ...turn], extra: {} }, 'sharegpt')).toEqual({
    id: 'x',
    conversations: [
      { from: 'system', value: 's' },
      { from: 'human', value: 'a' },
      { from: 'gpt', value: 'b' },
    ],
  });
});

test('the card of own answers says whose prompts they answer, and nothing of an extraction', () => {
  const spec = smallSpec('http://127.0.0.1:9/v1', (input) => {
    input.variants = [{ name: 'own', replay: { ownAnswers: { set: 'ultrachat' } } }];
  });
  const { replay } = variantsOf(spec)[0]!;
  const card = datasetCard({
    runId: 'demo',
    spec,
    stage: 'replay',
    variant: 'own',
    own: replay as OwnAnswers,
    shape: 'messages',
    rows: 8,
    leftOut: 0,
    cut: 0,
    counts: new Map([['own', 8]]),
    meanScore: null,
    key: 'abc',
  });
  expect(card).toContain('1. **Prompts.** Up to 8 were drawn from `UltraChat 200k (sanitized)` (licence: MIT)');
  expect(card).toContain('2. **Responses.** The target model itself answered each once');
  expect(card).not.toMatch(/\*\*Instructions\.\*\*|\*\*Judgments\.\*\*|Better supervised/);
});
