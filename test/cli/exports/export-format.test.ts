import { join } from 'node:path';
import { checkOutFile, exportFormat } from '../../../cli/exports/export-format';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();

test.each([
  [undefined, undefined, 'jsonl'],
  [undefined, 'rows', 'jsonl'],
  [undefined, 'rows.jsonl', 'jsonl'],
  [undefined, 'rows.NDJSON', 'jsonl'],
  [undefined, 'rows.parquet', 'parquet'],
  [undefined, 'rows.Parquet', 'parquet'],
  ['parquet', 'rows', 'parquet'],
  ['jsonl', 'rows.json', 'jsonl'],
] as const)('format %s with the file %s is %s', (format, out, expected) => {
  expect(exportFormat(format, out)).toBe(expected);
});

test.each([
  [undefined, 'rows.csv', 'no csv file is written; give the file a name that ends in .jsonl or .parquet'],
  [undefined, 'rows.json', 'no json file is written'],
  [undefined, 'rows.jsonl.gz', 'no gz file is written'],
  ['jsonl', 'rows.parquet', '--format jsonl contradicts the name rows.parquet; leave --format out, or rename the file'],
  ['parquet', 'rows.jsonl', '--format parquet contradicts'],
  ['parquet', undefined, 'a Parquet file is not printed; name a file with --out FILE'],
] as const)('format %s with the file %s is refused in one sentence', (format, out, expected) => {
  expect(() => exportFormat(format, out)).toThrow(expected.split('; ')[0]);
  expect(expected).not.toContain('\n');
});

test('a directory is refused, and the file that may have been meant is named', async () => {
  await expect(checkOutFile(folder(), 'demo-replay.jsonl')).rejects.toThrow(`--out ${folder()} is a directory`);
  await expect(checkOutFile(`${join(folder(), 'new')}/`, 'demo-replay.jsonl')).rejects.toThrow('is a directory');
  await expect(checkOutFile(join(folder(), 'rows.jsonl'), 'demo-replay.jsonl')).resolves.toBeUndefined();
});
