import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
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

/** One row `{prompt: 'rye ' x 20}`, as pyarrow 26 writes it with each codec. */
test.each([
  [
    'gzip',
    'UEFSMRUAFbQBFUQsFQIVABUGFQYcAAAAH4sIAAAAAAACA2NiYGBgYgwAkkWVqQrUxADAuPbVWgAAABUEGSw1ABgGc2NoZW1hFQIAFQwlAhgGcHJvbXB0JQBMHAAAABYCGRwZHCYAHBUMGSUGABkYBnByb21wdBUEFgIW3AEWbCYISRwVABUAFQIAPBagARkGGSYAAgAAABbcARYCJggWbAAoIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGRwcAAAAjwAAAFBBUjE=',
  ],
  [
    'Brotli',
    'UEFSMRUAFbQBFTIsFQIVABUGFQYcAAAAG1kAAASccCuiEBMJ5PaKBbQKDg1Y3dwvABUEGSw1ABgGc2NoZW1hFQIAFQwlAhgGcHJvbXB0JQBMHAAAABYCGRwZHCYAHBUMGSUGABkYBnByb21wdBUIFgIW3AEWWiYISRwVABUAFQIAPBagARkGGSYAAgAAABbcARYCJggWWgAoIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGRwcAAAAjwAAAFBBUjE=',
  ],
  [
    'Zstandard',
    'UEFSMRUAFbQBFTosFQIVABUGFQYcAAAAKLUv/SBapQAAcAIAAAACAVAAAAByeWUgAQA56pQVBBksNQAYBnNjaGVtYRUCABUMJQIYBnByb21wdCUATBwAAAAWAhkcGRwmABwVDBklBgAZGAZwcm9tcHQVDBYCFtwBFmImCEkcFQAVABUCADwWoAEZBhkmAAIAAAAW3AEWAiYIFmIAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRkcHAAAAI8AAABQQVIx',
  ],
  [
    'LZ4',
    'UEFSMRUAFbQBFTAsFQIVABUGFQYcAAAA7wIAAAACAVAAAAByeWUgBAA0UCByeWUgFQQZLDUAGAZzY2hlbWEVAgAVDCUCGAZwcm9tcHQlAEwcAAAAFgIZHBkcJgAcFQwZJQYAGRgGcHJvbXB0FQ4WAhbcARZYJghJHBUAFQAVAgA8FqABGQYZJgACAAAAFtwBFgImCBZYACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZHBwAAACPAAAAUEFSMQ==',
  ],
])('Parquet is read that was written with %s', async (_codec, base64) => {
  const path = join(folder(), 'rows.parquet');
  writeFileSync(path, Buffer.from(base64, 'base64'));
  const rows = [];
  for await (const { row } of readPlacedRows(path)) rows.push(row);
  expect(rows).toEqual([{ prompt: 'rye '.repeat(20) }]);
});
