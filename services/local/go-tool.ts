import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findOnPath } from './find-on-path';
import { withLock } from './lock';
import { cacheDir } from './paths';
import { runCommand } from './run-command';
import type { SetupReporter, SetupStep } from './setup-reporter';

/** A command that `go install` builds from Go modules. */
export interface GoTool {
  /** The command's name: the last part of its package. */
  readonly name: string;
  readonly package: string;
  readonly version: string;
  /** Lines of `go install -v` for a first build (modules, then packages), for the progress shown; counted once. */
  readonly expectedLines: number;
  /** What shows that it runs; `--version` unless said. */
  readonly probe?: readonly string[];
}

const GO_TIMEOUT_MS = 1_500_000;
const PROBE_TIMEOUT_MS = 20_000;

/** A way of getting a tool that does not exist here. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}

/** Where a built tool is kept. */
export function goToolPath({ name, version }: GoTool, cache = cacheDir()): string {
  return join(cache, 'tools', `${name}-go-${version}-${process.platform}-${process.arch}`, name);
}

/**
 * Builds a tool once among all processes and clones, and finds it in the cache from then on.
 * @throws Error with the way out
 */
export async function ensureGoTool(
  reporter: SetupReporter,
  tool: GoTool,
  { env = process.env, cache = cacheDir(env) }: { readonly env?: NodeJS.ProcessEnv; readonly cache?: string } = {},
): Promise<string> {
  const target = goToolPath(tool, cache);
  if (existsSync(target)) return target;
  const step = reporter.step(tool.name);
  return await withLock(
    join(cache, 'tools', `${tool.name}.lock`),
    async () => {
      if (!existsSync(target)) await buildGoTool(target, tool, step, env);
      step.done(target);
      return target;
    },
    { onWait: (pid) => step.update(`process ${pid} is building it; waiting`) },
  ).catch((cause: unknown) => {
    step.fail(firstLines(cause));
    throw new Error(`${tool.name} could not be built (${firstLines(cause)}); install Go 1.25 or later (https://go.dev/doc/install)`, {
      cause,
    });
  });
}

/** Builds a tool and puts it in its place. Call it under a lock. @throws UnavailableError, CommandError */
export async function buildGoTool(
  target: string,
  { name, package: path, version, expectedLines, probe }: GoTool,
  step: SetupStep,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const go = findOnPath('go', env) ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : undefined);
  if (go === undefined) throw new UnavailableError('there is no "go" on PATH to build it with');
  await placeTool(
    target,
    async (folder) => {
      let lines = 0;
      step.update(`building ${version} from Go modules, some minutes`, 0);
      await runCommand({
        command: go,
        args: ['install', '-v', '-trimpath', '-ldflags', '-s -w', `${path}@${version}`],
        env: { ...env, GOBIN: folder, CGO_ENABLED: '0' },
        timeoutMs: GO_TIMEOUT_MS,
        onLine(line) {
          lines++;
          const what = line.startsWith('go: downloading') ? `module ${line.split(' ')[2] ?? ''}` : line;
          step.update(`building ${version} from Go modules, some minutes: ${what}`, Math.min(0.99, lines / expectedLines));
        },
      });
      return join(folder, name);
    },
    probe,
  );
}

/** Makes a file in a folder beside its place and moves it there, so that it is there whole or not at all. Call it under a lock. */
export async function placeTool(target: string, make: (folder: string) => Promise<string>, probe?: readonly string[]): Promise<void> {
  const parent = join(target, '..');
  // We hold the lock: what else is here was left by a set-up that was killed.
  rmSync(parent, { recursive: true, force: true });
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'new-'));
  try {
    const file = await make(folder);
    const problem = await problemOf(file, probe);
    if (problem !== undefined) throw new UnavailableError(`${file} does not run (${problem})`);
    renameSync(file, target);
  } finally {
    rmSync(existsSync(target) ? folder : parent, { recursive: true, force: true });
  }
}

/** Why a command does not run; undefined when it does. */
export async function problemOf(binary: string, probe: readonly string[] = ['--version']): Promise<string | undefined> {
  try {
    await runCommand({ command: binary, args: probe, timeoutMs: PROBE_TIMEOUT_MS });
    return undefined;
  } catch (error) {
    return firstLines(error);
  }
}

/** The beginning of an error's message, for one line of progress. */
export function firstLines(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n').slice(0, 2).join(' ');
}
