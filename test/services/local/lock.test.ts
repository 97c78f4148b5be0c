import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../../../services/local/lock';
import { identify, identifySelf, isAlive } from '../../../services/local/process-identity';

const folder = mkdtempSync(join(tmpdir(), 'rehearse-lock-'));
const POLL = { pollMs: 2 };

/** A live process of our own, and a way to end it for good. */
async function otherProcess() {
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1e6)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error('the process that was just started has no identity');
  return {
    identity,
    async end() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

test('bodies under one lock never overlap, and all run', async () => {
  const file = join(folder, 'overlap.lock');
  let inside = 0;
  let most = 0;
  const done: number[] = [];
  await Promise.all(
    Array.from(
      { length: 12 },
      async (_, index) =>
        await withLock(
          file,
          async () => {
            most = Math.max(most, ++inside);
            await new Promise((resolve) => setImmediate(resolve));
            inside--;
            done.push(index);
          },
          POLL,
        ),
    ),
  );
  expect(most).toBe(1);
  expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index));
  expect(existsSync(file)).toBe(false);
});

test('the lock is free again after a body that throws', async () => {
  const file = join(folder, 'throws.lock');
  await expect(withLock(file, () => Promise.reject(new Error('no room')), POLL)).rejects.toThrow('no room');
  await expect(withLock(file, () => Promise.resolve('mine'), POLL)).resolves.toBe('mine');
});

test('a lock waits for its live holder, says whose it is, and is taken over once the holder is killed', async () => {
  const file = join(folder, 'holder.lock');
  const holder = await otherProcess();
  writeFileSync(file, JSON.stringify({ ...holder.identity, serial: 0 }));
  let told: (pid: number) => void = () => undefined;
  const waiting = new Promise<number>((resolve) => (told = resolve));
  const body = withLock(file, () => Promise.resolve(readFileSync(file, 'utf8')), { ...POLL, onWait: (pid) => told(pid) });
  expect(await waiting).toBe(holder.identity.pid);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject(holder.identity);
  await holder.end();
  expect(JSON.parse(await body)).toMatchObject({ pid: process.pid });
});

test('a process that got the number of a dead one is not taken for it', () => {
  const self = identifySelf();
  expect(isAlive(self)).toBe(true);
  expect(isAlive({ ...self, started: `${self.started}1` })).toBe(false);
});

test('a killed process is not alive', async () => {
  const other = await otherProcess();
  expect(isAlive(other.identity)).toBe(true);
  await other.end();
  expect(isAlive(other.identity)).toBe(false);
});
