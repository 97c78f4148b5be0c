import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readJsonLines, type JsonLine } from '../../../services/data/json-lines';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();

async function read(text: string): Promise<JsonLine[]> {
  const path = join(folder(), 'rows.jsonl');
  await writeFile(path, text);
  const lines: JsonLine[] = [];
  for await (const line of readJsonLines(path)) lines.push(line);
  return lines;
}

test('a line separator within a text does not end the line', async () => {
  expect(await read('\uFEFF{"a":"x\u2028y\u2029z"}\r\n\n{"a":2}')).toEqual([
    { line: 1, row: { a: 'x\u2028y\u2029z' } },
    { line: 3, row: { a: 2 } },
  ]);
});

test('a line that is no JSON is named', async () => {
  await expect(read('{"a":1}\n{"a"\n')).rejects.toThrow(/rows\.jsonl: line 2: no JSON/);
});
