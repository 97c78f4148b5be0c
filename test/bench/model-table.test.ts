import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelTable, trlFolder } from '../../bench/model-table';
import { projectDir } from '../../services/local/paths';

test('docs/models.md shows what is read of the templates, and a sentence for those that cannot be', async () => {
  const table = modelTable(await trlFolder());
  expect(readFileSync(join(projectDir(), 'docs', 'models.md'), 'utf8')).toContain(table);
  const rows = table
    .split('\n')
    .slice(2)
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
  expect(rows.length).toBeGreaterThanOrEqual(40);
  expect(new Set(rows.map(([, family]) => family)).size).toBeGreaterThanOrEqual(20);
  const unread = rows.filter((row) => row[4]!.startsWith('none: '));
  expect(unread.map((row) => row[2])).toEqual([
    'ByteDance-Seed/Seed-OSS-36B-Instruct',
    'HuggingFaceTB/SmolVLM-Instruct',
    'HuggingFaceM4/Idefics3-8B-Llama3',
  ]);
}, 900_000);
