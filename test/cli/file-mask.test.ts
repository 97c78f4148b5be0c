import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileMask } from '../../cli/file-mask';
import { rehearse } from '../support/rehearse';
import { useTempFolder } from '../support/temp-folder';

const folder = useTempFolder();

test.each([
  [undefined, 0o077],
  ['', 0o077],
  ['027', 0o027],
  ['22', 0o022],
])('REHEARSE_UMASK=%p leaves new files without %p', (text, mask) => {
  expect(fileMask(text)).toBe(mask);
});

test.each(['rw', '0o22', '777', '888', '0700'])('REHEARSE_UMASK=%p is refused', (text) => {
  expect(() => fileMask(text)).toThrow(`REHEARSE_UMASK is "${text}"`);
});

test('what a command writes is for its user alone, unless a group shares it', async () => {
  const modes = (home: string): string[] =>
    readdirSync(home, { recursive: true, withFileTypes: true }).map((entry) =>
      (statSync(join(entry.parentPath, entry.name)).mode & 0o777).toString(8),
    );
  // The check of the store writes and removes a file, and leaves its folders.
  const env = { TEMPORAL_ADDRESS: '127.0.0.1:1' };
  await rehearse(['doctor', '--json'], { home: join(folder(), 'alone'), env });
  expect(new Set(modes(join(folder(), 'alone')))).toEqual(new Set(['700']));
  await rehearse(['doctor', '--json'], { home: join(folder(), 'shared'), env: { ...env, REHEARSE_UMASK: '027' } });
  expect(new Set(modes(join(folder(), 'shared')))).toEqual(new Set(['750']));
});
