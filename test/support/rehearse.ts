import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandSurroundings {
  /** REHEARSE_HOME: `store` lies in it. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Shell text after the command, such as `| head -1`. */
  readonly pipe?: string;
}

/** Runs `rehearse` from the sources in a process of its own. */
export async function rehearse(args: readonly string[], { home, env = {}, pipe = '' }: CommandSurroundings): Promise<Ended> {
  const script = `require(${JSON.stringify(resolve('cli/main.ts'))}).main(process.argv.slice(1)).then((code) => { process.exitCode = code; })`;
  const words = [process.execPath, '-r', resolve('test/support/ts-hook.cjs'), '-e', script, '--', ...args];
  const quoted = words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  const child = spawn('bash', ['-c', `set -o pipefail; ${quoted} ${pipe}`], {
    env: { ...process.env, REHEARSE_HOME: home, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}
