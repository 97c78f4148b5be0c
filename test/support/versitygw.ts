import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pickPort } from '../../services/local/free-port';
import { ensureGoTool, type GoTool } from '../../services/local/go-tool';
import type { SetupReporter } from '../../services/local/setup-reporter';

/** A real S3 server over a directory, Apache-2.0. */
const VERSITYGW: GoTool = {
  name: 'versitygw',
  package: 'github.com/versity/versitygw/cmd/versitygw',
  version: 'v1.8.0',
  expectedLines: 700,
};

const S3_KEY = 'rehearse-test';
const S3_SECRET = 'only-for-tests';

/** The server's command: built from Go modules once, then kept in the cache. */
export async function ensureVersitygw(reporter: SetupReporter): Promise<string> {
  return await ensureGoTool(reporter, VERSITYGW);
}

/** An S3 server with one bucket, `runs`, that can be stopped and started again on its port. */
export class S3Server {
  readonly bucket = 'runs';
  private child: ChildProcess | undefined;

  private constructor(
    private readonly binary: string,
    /** Its bucket's objects lie below `data/runs` as files. */
    readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(reporter: SetupReporter): Promise<S3Server> {
    const folder = mkdtempSync(join(tmpdir(), 'rehearse-s3-'));
    const server = new S3Server(await ensureVersitygw(reporter), folder, await pickPort(0));
    mkdirSync(join(folder, 'data', server.bucket), { recursive: true });
    mkdirSync(join(folder, 'sidecar'));
    await server.up();
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Environment of a program that uses it. */
  get env(): Record<string, string> {
    return { REHEARSE_S3_ENDPOINT: this.endpoint, AWS_ACCESS_KEY_ID: S3_KEY, AWS_SECRET_ACCESS_KEY: S3_SECRET, AWS_REGION: 'us-east-1' };
  }

  /** Path on disk of an object, to damage it. */
  fileOf(key: string): string {
    return join(this.folder, 'data', this.bucket, key);
  }

  /** @throws Error with what it wrote when it does not come up */
  async up(): Promise<void> {
    const child = spawn(
      this.binary,
      [
        '--port',
        `127.0.0.1:${this.port}`,
        '--access',
        S3_KEY,
        '--secret',
        S3_SECRET,
        '--quiet',
        'posix',
        '--sidecar',
        join(this.folder, 'sidecar'),
        join(this.folder, 'data'),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.child = child;
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    while (!(await this.answers())) {
      if (child.exitCode !== null) throw new Error(`versitygw did not start: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Kills it; connections break. */
  async down(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<boolean> {
    try {
      await (await fetch(this.endpoint, { signal: AbortSignal.timeout(2_000) })).body?.cancel();
      return true;
    } catch {
      return false; // not yet
    }
  }
}
