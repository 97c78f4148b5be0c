import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import prettyBytes from 'pretty-bytes';
import { findOnPath } from './find-on-path';
import { buildGoTool, firstLines, goToolPath, placeTool, problemOf, UnavailableError, type GoTool } from './go-tool';
import { withLock } from './lock';
import { cacheDir, projectDir } from './paths';
import { CommandError, runCommand } from './run-command';
import type { SetupReporter, SetupStep } from './setup-reporter';

export type TemporalSource = 'path' | 'sdk-download' | 'go-build';

export interface TemporalBinary {
  readonly path: string;
  readonly source: TemporalSource;
}

export interface EnsureTemporalOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Where tools are kept. */
  readonly cache?: string;
}

/** The last version that `go install` can build: later ones have a `replace` in their go.mod. */
const TEMPORAL: GoTool = { name: 'temporal', package: 'github.com/temporalio/cli/cmd/temporal', version: 'v1.5.1', expectedLines: 1_450 };
/** About the size of the unpacked server, for the progress shown. */
const DOWNLOAD_EXPECTED_BYTES = 200e6;
const DOWNLOAD_STALL_MS = 20_000;
const DOWNLOAD_TIMEOUT_MS = 300_000;
const DOWNLOAD_POLL_MS = 500;

/**
 * Finds or gets the `temporal` command: on PATH, else the SDK's own download, else a build from Go modules.
 * What was got once is kept in the cache and found at once from then on.
 * @throws Error that says what was tried, and what to install
 */
export async function ensureTemporal(
  reporter: SetupReporter,
  { env = process.env, cache = cacheDir(env) }: EnsureTemporalOptions = {},
): Promise<TemporalBinary> {
  const tried: string[] = [];
  const onPath = findOnPath('temporal', env);
  if (onPath !== undefined) {
    const problem = await problemOf(onPath);
    if (problem === undefined) return { path: onPath, source: 'path' };
    tried.push(`${onPath} does not run (${problem})`);
  }
  const places = cachePlaces(cache);
  const kept = inCache(places);
  if (kept !== undefined) return kept;

  const step = reporter.step('Temporal server');
  step.update(tried[0] ?? 'no "temporal" on PATH');
  return await withLock(
    join(cache, 'tools', 'temporal.lock'),
    async () => {
      const meanwhile = inCache(places);
      if (meanwhile !== undefined) {
        step.done(`${meanwhile.path}, set up by another process`);
        return meanwhile;
      }
      for (const [source, get] of [
        ['sdk-download', download],
        ['go-build', build],
      ] as const) {
        try {
          await get(places[source], step, env);
          step.done(`${source === 'go-build' ? `built ${TEMPORAL.version}` : 'downloaded'}: ${places[source]}`);
          return { path: places[source], source };
        } catch (error) {
          if (!(error instanceof CommandError) && !(error instanceof UnavailableError)) throw error;
          tried.push(firstLines(error));
          step.update(firstLines(error));
        }
      }
      step.fail('not found, not downloaded, not built');
      throw new Error(
        `there is no Temporal server: ${tried.join('; ')}. Install the temporal command (https://docs.temporal.io/cli/setup-cli) ` +
          'or Go 1.25 or later (https://go.dev/doc/install), or set TEMPORAL_ADDRESS to a server of your own',
      );
    },
    { onWait: (pid) => step.update(`process ${pid} is getting it; waiting`) },
  );
}

type Places = Readonly<Record<Exclude<TemporalSource, 'path'>, string>>;

function cachePlaces(cache: string): Places {
  const sdk = (require('@temporalio/testing/package.json') as { version: string }).version;
  const platform = `${process.platform}-${process.arch}`;
  return { 'sdk-download': join(cache, 'tools', `temporal-sdk-${sdk}-${platform}`, 'temporal'), 'go-build': goToolPath(TEMPORAL, cache) };
}

function inCache(places: Places): TemporalBinary | undefined {
  for (const source of ['sdk-download', 'go-build'] as const) if (existsSync(places[source])) return { path: places[source], source };
  return undefined;
}

async function download(target: string, step: SetupStep, env: NodeJS.ProcessEnv): Promise<void> {
  await placeTool(target, async (folder) => {
    step.update("asking for the SDK's download from temporal.download");
    // Nothing tells how far it is but the file that grows; one that does not grow is given up early.
    const startedMs = performance.now();
    let size = 0;
    let grewMs = startedMs;
    const stalled = new AbortController();
    const watch = setInterval(() => {
      const now = folderBytes(folder);
      if (now > size) [size, grewMs] = [now, performance.now()];
      if (size > 0) step.update(`downloading it, ${prettyBytes(size)} so far`, Math.min(0.99, size / DOWNLOAD_EXPECTED_BYTES));
      if (performance.now() - grewMs > DOWNLOAD_STALL_MS) stalled.abort();
    }, DOWNLOAD_POLL_MS);
    try {
      await runCommand({
        command: process.execPath,
        args: [join(projectDir(), 'bin', 'download-temporal.js'), folder],
        env,
        timeoutMs: DOWNLOAD_TIMEOUT_MS,
        signal: stalled.signal,
      });
    } catch (cause) {
      throw new UnavailableError(`the SDK's download failed (${reasonOf(cause)})`, { cause });
    } finally {
      clearInterval(watch);
    }
    const file = readdirSync(folder).find((name) => name.startsWith('temporal'));
    if (file === undefined) throw new UnavailableError("the SDK's download left no file");
    return join(folder, file);
  });
}

async function build(target: string, step: SetupStep, env: NodeJS.ProcessEnv): Promise<void> {
  await buildGoTool(target, TEMPORAL, step, env);
}

function folderBytes(folder: string): number {
  return readdirSync(folder).reduce((total, name) => total + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** The native error repeats itself along its chain of causes; its last words are the reason. */
function reasonOf(error: unknown): string {
  const text = error instanceof CommandError && error.tail !== '' ? error.tail : firstLines(error);
  return text.split(': ').slice(-2).join(': ').trim();
}
