import { spawn, type ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();

/**
 * A program that says its number, and `stopping` when it is to stop. When its parent has gone and it is not told to stop for three
 * looks of the watch, it says `goes on`.
 */
const PROGRAM = `
require(${JSON.stringify(resolve('test/support/ts-hook.cjs'))});
const { onStopSignal } = require(${JSON.stringify(resolve('cli/terminal/signals.ts'))});
const parent = process.ppid;
let looks = 0;
const keep = setInterval(() => {
  if (process.ppid === parent || ++looks < 3) return;
  console.log('goes on');
  process.exit();
}, 500);
onStopSignal(() => { console.log('stopping'); clearInterval(keep); });
console.log('pid ' + process.pid);
`;

/** What the program says, until it and all that share its output have ended; `started` is called when it runs. */
async function wordsOf(child: ChildProcess, started: () => void): Promise<string[]> {
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith('pid ')) started();
    else said.push(line);
  }
  return said;
}

const RUN = `${JSON.stringify(process.execPath)} program.js`;

beforeEach(async () => {
  await writeFile(join(folder(), 'program.js'), PROGRAM);
  await writeFile(join(folder(), 'package.json'), JSON.stringify({ name: 'waits', version: '1.0.0', scripts: { wait: RUN } }));
});

test.each([
  ['npm run', ['run', '--silent', 'wait']],
  ['npm exec, which is npx', ['exec', '--silent', '-c', RUN]],
])('what %s started stops when npm gets a SIGTERM, which its shell does not hand on', async (_, args) => {
  const npm = spawn('npm', args, { cwd: folder(), stdio: ['ignore', 'pipe', 'inherit'] });
  expect(await wordsOf(npm, () => npm.kill('SIGTERM'))).toEqual(['stopping']);
});

test('what npm started stops when npm is killed', async () => {
  const npm = spawn('npm', ['run', '--silent', 'wait'], { cwd: folder(), stdio: ['ignore', 'pipe', 'inherit'] });
  expect(await wordsOf(npm, () => npm.kill('SIGKILL'))).toEqual(['stopping']);
});

test('what another process than npm started goes on when that one ends', async () => {
  const parent = spawn('bash', ['-c', `${RUN} & exec sleep 600`], { cwd: folder(), stdio: ['ignore', 'pipe', 'inherit'] });
  expect(await wordsOf(parent, () => parent.kill('SIGKILL'))).toEqual(['goes on']);
});
