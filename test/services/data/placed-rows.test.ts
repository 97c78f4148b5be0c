import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readPlacedRows } from '../../../services/data/placed-rows';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();

async function messageOf(path: string): Promise<string> {
  try {
    for await (const row of readPlacedRows(path)) throw new Error(`a row: ${JSON.stringify(row)}`);
    return 'nothing';
  } catch (error) {
    return (error as Error).message;
  }
}

test('a named pipe, a device and a folder are refused at once: reading them may never end', async () => {
  const pipe = join(folder(), 'rows.jsonl');
  execFileSync('mkfifo', [pipe]);
  expect(await messageOf(pipe)).toBe(`${pipe}: a pipe, not a file; write its content to a file and name that one`);
  expect(await messageOf('/dev/zero')).toBe('/dev/zero: a device, not a file; write its content to a file and name that one');
  expect(await messageOf('/dev/null')).toContain('a device');
  mkdirSync(join(folder(), 'set.parquet'));
  expect(await messageOf(join(folder(), 'set.parquet'))).toContain('a directory, not a file');
});
