import { join } from 'node:path';
import { rehearse } from '../support/rehearse';
import { writeSampleRun } from '../support/sample-run';
import { useTempFolder } from '../support/temp-folder';

const folder = useTempFolder();
const env = { TEMPORAL_ADDRESS: '127.0.0.1:1' };

test('--quiet leaves notes out, and errors in', async () => {
  await writeSampleRun({ root: join(folder(), 'store'), until: 'extract' });
  const loud = await rehearse(['list'], { home: folder(), env });
  const quiet = await rehearse(['list', '--quiet'], { home: folder(), env });
  expect(loud.stderr).toContain('rehearse: note: no Temporal server answers');
  expect(quiet).toEqual({ ...loud, stderr: '' });
  expect(await rehearse(['-q', 'list'], { home: folder(), env })).toEqual(quiet);
  expect((await rehearse(['status', 'none', '-q'], { home: folder(), env })).stderr).toContain('rehearse: no run "none" is stored here');
});

test('--verbose says where an unexpected error came from; without it the way there is named', async () => {
  const broken = { ...env, TEMPORAL_CONFIG_FILE: folder() }; // a folder is no file of settings
  const plain = await rehearse(['cancel', 'x'], { home: folder(), env: broken });
  const verbose = await rehearse(['cancel', 'x', '-v'], { home: folder(), env: broken });
  expect([plain.code, plain.stderr]).toEqual([1, expect.stringContaining('(-v shows where this came from)')]);
  expect(verbose.stderr).toMatch(/\n {4}at /);
});

test('--verbose shows what an error came of also where its sentence says enough', async () => {
  const plain = await rehearse(['cancel', 'x'], { home: folder(), env });
  const verbose = await rehearse(['-v', 'cancel', 'x'], { home: folder(), env });
  expect(plain.stderr).toMatch(/^rehearse: no Temporal server answers at .*\n$/);
  expect(verbose.stderr).toContain(plain.stderr);
  expect(verbose.stderr).toMatch(/\n {4}at [^]*\ncaused by /);
});

test.each([[['plan', 'demo', '--assume', 'responseTokens=-1']], [['prune', '--older-than', 'x']], [['logs', '--lines', '-3']]])(
  'a mistake in the command line %j is no run that failed',
  async (args) => {
    const { code, stderr } = await rehearse(args, { home: folder(), env });
    expect([code, stderr]).toEqual([2, expect.not.stringContaining('    at ')]);
  },
);
