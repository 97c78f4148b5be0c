import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { recordWorker, takeKilledWorkers } from '../../../services/local/worker-records';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();
const home = process.env['REHEARSE_HOME'];

beforeEach(() => {
  process.env['REHEARSE_HOME'] = folder();
});

afterAll(() => {
  if (home === undefined) delete process.env['REHEARSE_HOME'];
  else process.env['REHEARSE_HOME'] = home;
});

/** A process that writes down that it works, and is killed. */
async function killedWorker(identity: string): Promise<void> {
  const program = `
    require(${JSON.stringify(resolve('test/support/ts-hook.cjs'))});
    require(${JSON.stringify(resolve('services/local/worker-records.ts'))}).recordWorker(${JSON.stringify(identity)});
    process.kill(process.pid, 'SIGKILL');`;
  const child = spawn(process.execPath, ['-e', program], { stdio: 'inherit', env: { ...process.env } });
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
}

test('a killed worker is told of once', async () => {
  expect(takeKilledWorkers()).toEqual([]);
  await killedWorker('7@here');
  expect(takeKilledWorkers()).toEqual(['7@here']);
  expect(takeKilledWorkers()).toEqual([]);
});

test('a worker that runs, and one that ended in order, are not', () => {
  const forget = recordWorker('me');
  expect(takeKilledWorkers()).toEqual([]);
  forget();
  expect(readdirSync(join(folder(), 'run', 'workers'))).toEqual([]);
});

test('nothing is concluded from the process numbers of another container or machine', async () => {
  await killedWorker('7@here');
  const [name = ''] = readdirSync(join(folder(), 'run', 'workers'));
  const file = join(folder(), 'run', 'workers', name);
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), space: 'elsewhere' }));
  expect(takeKilledWorkers()).toEqual([]);
});
