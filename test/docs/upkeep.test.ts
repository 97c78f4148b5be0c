import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeSampleRun } from '../support/sample-run';
import { useTempFolder } from '../support/temp-folder';

const PAGE = readFileSync(join(__dirname, '../../docs/upkeep.md'), 'utf8');
const folder = useTempFolder();

/** The commands of a section, one text a block. */
function commandsOf(section: string): string[] {
  const [, text = ''] = new RegExp(`^## ${section}\\n([\\s\\S]*?)(?=^## )`, 'm').exec(PAGE) ?? [];
  return [...text.matchAll(/```bash\n([\s\S]*?)```/g)].map(([, block = '']) => block);
}

/** Runs them as they stand, with `npx rehearse` as the sources of this checkout. */
function run(commands: string): string {
  const main = `require(${JSON.stringify(resolve('cli/main.ts'))}).main(process.argv.slice(1)).then((code) => { process.exitCode = code; })`;
  const npx = `npx() { shift; '${process.execPath}' -r '${resolve('test/support/ts-hook.cjs')}' -e '${main}' -- "$@"; }`;
  return execFileSync('bash', ['-euo', 'pipefail', '-c', `${npx}\n${commands}`], {
    cwd: folder(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      NO_COLOR: '1',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      REHEARSE_HOME: join(folder(), 'old'),
      NEW_HOME: join(folder(), 'new'),
    },
  });
}

test('what a spec takes is said by the commands of the page', () => {
  const [block = ''] = commandsOf('Sizing and cost');
  expect(run(block)).toContain('total');
  expect(JSON.parse(readFileSync(join(folder(), 'plan.json'), 'utf8'))).toBeInstanceOf(Object);
}, 240_000);

test('a store that was saved and restored by the commands of the page tells the same of its runs', async () => {
  await writeSampleRun({ root: join(folder(), 'old', 'store'), runId: 'my-run' });
  const [save = '', restore = ''] = commandsOf('Backup and restore');
  run(save);
  const said = run(restore);
  expect(said).toContain('my-run');
  expect(existsSync(join(folder(), 'report', 'report.html'))).toBe(true);
  expect(readFileSync(join(folder(), 'replay.jsonl'), 'utf8').trim().split('\n').length).toBeGreaterThan(1);
}, 240_000);
