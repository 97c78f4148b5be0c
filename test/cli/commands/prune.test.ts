import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rehearse } from '../../support/rehearse';
import { writeSampleRun } from '../../support/sample-run';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();
const env = { TEMPORAL_ADDRESS: '127.0.0.1:1' };

test('prune says what it would remove, and removes it when told to', async () => {
  const root = join(folder(), 'store');
  await writeSampleRun({ root, until: 'select' });
  await writeSampleRun({ root, spec: (spec) => ({ ...spec, seed: 8 }) });
  const look = await rehearse(['prune', '--older-than', '0'], { home: folder(), env });
  expect(look).toMatchObject({ code: 0, stderr: '' });
  expect(look.stdout).toMatch(/^The store holds [\d.]+ .?B; [\d.]+ .?B of it can be removed\.$/m);
  expect(look.stdout).toContain('Nothing was removed. With --yes it is.');
  expect(readdirSync(join(root, 'stages', 'extract'))).toHaveLength(2);

  const done = await rehearse(['prune', '--older-than', '0', '--yes'], { home: folder(), env });
  expect(done.stdout).toMatch(/^removed \d+ parts of the store, [\d.]+ .?B\n$/);
  expect(readdirSync(join(root, 'stages', 'extract'))).toHaveLength(1);
  const again = await rehearse(['prune', '--older-than', '0', '--json'], { home: folder(), env });
  expect(JSON.parse(again.stdout)).toMatchObject({ remove: [], removed: [] });
});

test('a run is not forgotten where nobody can tell whether it is running', async () => {
  const root = join(folder(), 'store');
  await writeSampleRun({ root });
  const { code, stderr } = await rehearse(['prune', '--forget', 'demo', '--yes', '--older-than', '0'], { home: folder(), env });
  expect([code, stderr]).toEqual([3, expect.stringContaining('no Temporal server answers')]);
  expect(existsSync(join(root, 'runs', 'demo'))).toBe(true);
});

test.each([
  [['--older-than', 'week'], 'rehearse: --older-than is "week"; give a number of days, such as 30; 0 for everything\n'],
  [['--keep-under', 'lots'], 'rehearse: --keep-under is "lots"; give a size, such as 500GB or 2TB\n'],
  [['--keep-under', '0'], 'rehearse: --keep-under is "0"; give a size, such as 500GB or 2TB\n'],
])('%j is a mistake on the command line', async (args, stderr) => {
  await writeSampleRun({ root: join(folder(), 'store'), until: 'extract' });
  expect(await rehearse(['prune', ...args], { home: folder(), env })).toEqual({ code: 2, stdout: '', stderr });
});
