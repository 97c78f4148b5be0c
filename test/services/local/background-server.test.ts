import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runningServer, startBackgroundServer, type BackgroundServerOptions } from '../../../services/local/background-server';
import { pickPort } from '../../../services/local/free-port';
import { identify, isAlive } from '../../../services/local/process-identity';

const SERVER = "require('http').createServer((_, reply) => reply.end(String(process.pid))).listen(Number(process.argv[1]), '127.0.0.1')";

interface Facts {
  readonly port: number;
}

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rehearse-servers-'));
  process.env['REHEARSE_HOME'] = home;
});
afterEach(() => {
  delete process.env['REHEARSE_HOME'];
});

function options(key = 'one', script = SERVER): BackgroundServerOptions<Facts> {
  return {
    name: 'Test server',
    key,
    logFile: join(home, 'logs', 'server.log'),
    readyTimeoutMs: 20_000,
    isReady: async ({ port }) => (await pidAt(port)) !== undefined,
    async plan() {
      const port = await pickPort(0);
      return { command: process.execPath, args: ['-e', script, String(port)], facts: { port } };
    },
  };
}

async function pidAt(port: number): Promise<number | undefined> {
  try {
    return Number(await (await fetch(`http://127.0.0.1:${port}`)).text());
  } catch {
    return undefined;
  }
}

/** Makes the state say that a command started the server which has been killed since. */
async function orphan() {
  const owner = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1e6)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => owner.stdout.once('data', resolve));
  const identity = identify(owner.pid ?? 0);
  const file = join(home, 'run', 'test-server.json');
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), owner: identity }));
  return {
    async kill() {
      const gone = new Promise((resolve) => owner.once('exit', resolve));
      owner.kill('SIGKILL');
      await gone;
    },
  };
}

test('it answers once started, is known to others, and is gone once stopped', async () => {
  const server = await startBackgroundServer(options());
  expect(server.reused).toBe(false);
  expect(await pidAt(server.facts.port)).toBe(server.pid);
  expect(runningServer('Test server')).toEqual({ facts: server.facts, pid: server.pid });
  await server.stop();
  expect(await pidAt(server.facts.port)).toBeUndefined();
  expect(runningServer('Test server')).toBeUndefined();
});

test('it has a process group of its own, which Ctrl-C in our terminal does not reach', async () => {
  const server = await startBackgroundServer(options());
  // Signal 0 only asks: is there a group of this number?
  expect(process.kill(-server.pid, 0)).toBe(true);
  await server.stop();
});

test('one that a killed command left is taken over, and ended by the new owner', async () => {
  const first = await startBackgroundServer(options());
  await (await orphan()).kill();
  const second = await startBackgroundServer(options());
  expect(second).toMatchObject({ reused: true, pid: first.pid });
  await second.stop();
  expect(await pidAt(first.facts.port)).toBeUndefined();
});

test('one that a killed command left is replaced when another is wanted', async () => {
  const first = await startBackgroundServer(options('one'));
  await (await orphan()).kill();
  const second = await startBackgroundServer(options('two'));
  expect(second.reused).toBe(false);
  expect(second.pid).not.toBe(first.pid);
  expect(identify(first.pid)).toBeUndefined();
  await second.stop();
});

test("a live command's server is shared and left running; a different one is refused", async () => {
  const first = await startBackgroundServer(options('one'));
  const owner = await orphan();
  const shared = await startBackgroundServer(options('one'));
  expect(shared).toMatchObject({ reused: true, pid: first.pid });
  await shared.stop();
  expect(await pidAt(first.facts.port)).toBe(first.pid);
  await expect(startBackgroundServer(options('two'))).rejects.toThrow(/another rehearse command .* REHEARSE_HOME/);
  await owner.kill();
  await (await startBackgroundServer(options('one'))).stop();
  expect(await pidAt(first.facts.port)).toBeUndefined();
});

test('one that was killed is started anew', async () => {
  const first = await startBackgroundServer(options());
  const state = JSON.parse(readFileSync(join(home, 'run', 'test-server.json'), 'utf8')) as { process: { pid: number; started: string } };
  process.kill(first.pid, 'SIGKILL');
  while (isAlive(state.process)) await new Promise((resolve) => setImmediate(resolve));
  const second = await startBackgroundServer(options());
  expect(second.reused).toBe(false);
  await second.stop();
});

test('one that ends before it answers is started again by a new plan, as often as it is allowed', async () => {
  const once =
    "if (require('fs').existsSync(process.argv[2])) " +
    SERVER +
    "; else { require('fs').writeFileSync(process.argv[2], ''); process.exit(2); }";
  let plans = 0;
  const flaky = (tries: number, marker: string): BackgroundServerOptions<Facts> => ({
    ...options(),
    tries,
    async plan() {
      plans++;
      const port = await pickPort(0);
      return { command: process.execPath, args: ['-e', once, String(port), join(home, marker)], facts: { port } };
    },
  });
  await expect(startBackgroundServer(flaky(1, 'first'))).rejects.toThrow(/exit code 2/);
  const server = await startBackgroundServer(flaky(2, 'second'));
  expect(plans).toBe(3);
  expect(await pidAt(server.facts.port)).toBe(server.pid);
  await server.stop();
});

test('of a long log an error has the beginning and the end', async () => {
  const script = "console.error('panic: no port'); for (let i = 0; i < 200; i++) console.error('goroutine ' + i); process.exit(2)";
  await expect(startBackgroundServer(options('one', script))).rejects.toThrow(/panic: no port[^]*goroutine 199$/);
});

test('one that ends at once fails with the end of its log, and leaves nothing', async () => {
  const broken = startBackgroundServer(options('one', "console.error('the database is from a newer version'); process.exit(4)"));
  await expect(broken).rejects.toThrow(/Test server ended \(exit code 4\).*\n.*newer version/s);
  expect(runningServer('Test server')).toBeUndefined();
});
