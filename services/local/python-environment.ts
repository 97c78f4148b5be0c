import { mkdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import prettyBytes from 'pretty-bytes';
import { findOnPath } from './find-on-path';
import { contentKey, makeOnce } from './make-once';
import { cacheDir, projectDir } from './paths';
import { CommandError, runCommand } from './run-command';
import { SetUpError } from './set-up-error';
import type { SetupReporter, SetupStep } from './setup-reporter';
import { UvProgress } from './uv-progress';

export interface PythonEnvironment {
  /** Path of the interpreter that has what {@link requirementsLock} pins. */
  readonly python: string;
  /** Environment for it: ours, and where `rehearse_ml` lies. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const MIN_PYTHON = [3, 11] as const;
const PYTHON_NAMES = ['python3.11', 'python3.12', 'python3.13', 'python3', 'python'];
/** Installed size of the lock, and some room for what is being unpacked. */
const NEEDED_BYTES = 8e9;
const PROBE_TIMEOUT_MS = 20_000;

/**
 * Makes, once for each content of this machine's lock file, the environment that trains, evaluates and serves.
 * @throws Error in one sentence with the way out: no Python, no room, no network
 */
export async function ensurePython(reporter: SetupReporter, cache = cacheDir()): Promise<PythonEnvironment> {
  const lockFile = requirementsLock();
  const folder = join(cache, 'venvs', `${contentKey(lockFile)}-${process.platform}-${process.arch}`);
  await makeOnce(
    folder,
    () => reporter.step('Python environment'),
    async (step) => {
      await checkRoom(cache);
      const uv = await ensureUv(step, cache);
      const interpreter = await findPython();
      step.update(`creating it with ${interpreter}`);
      await runCommand({ command: uv, args: ['venv', '--quiet', '--clear', '--python', interpreter, folder] });
      const progress = new UvProgress();
      await uvCommand(uv, ['pip', 'sync', '--require-hashes', '--python', join(folder, 'bin', 'python'), lockFile], (line) => {
        const { message, fraction } = progress.add(line);
        step.update(message, fraction);
      });
      return `${folder} (${progress.summary})`;
    },
  );
  return { python: join(folder, 'bin', 'python'), env: pythonEnv() };
}

/**
 * The pinned packages of a machine: one file for Linux, whose hashes are those of wheels for x86-64 and for ARM, and one for macOS on ARM, which has
 * other wheels of PyTorch and none of CUDA.
 * @throws SetUpError for a machine that PyTorch has no wheels for
 */
export function requirementsLock(platform: string = process.platform, arch: string = process.arch): string {
  const known: Readonly<Record<string, string>> = {
    'linux-x64': 'requirements.lock',
    'linux-arm64': 'requirements.lock',
    'darwin-arm64': 'requirements.macos.lock',
  };
  const { [`${platform}-${arch}`]: name } = known;
  if (name === undefined) {
    throw new SetUpError(
      `there are no pinned Python packages for ${platform} on ${arch}; training and evaluation run on ${Object.keys(known).join(', ')}`,
    );
  }
  return join(projectDir(), 'python', name);
}

/** Makes, once for each content of a requirements file, a virtual environment with just what it pins. Returns its interpreter. */
export async function ensureVenv(options: {
  readonly name: string;
  readonly requirements: string;
  readonly reporter: SetupReporter;
  /** What is left to do in the folder before it counts as made. */
  readonly finish?: (folder: string) => Promise<void>;
  readonly cache?: string;
}): Promise<string> {
  const { name, requirements, reporter, finish, cache = cacheDir() } = options;
  const folder = join(cache, 'venvs', `${name}-${contentKey(requirements)}-${process.platform}-${process.arch}`);
  const python = join(folder, 'bin', 'python');
  await makeOnce(
    folder,
    () => reporter.step(name),
    async (step) => {
      const uv = await ensureUv(step, cache);
      await runCommand({ command: uv, args: ['venv', '--quiet', '--clear', '--python', await findPython(), folder] });
      const progress = new UvProgress();
      await uvCommand(uv, ['pip', 'sync', '--only-binary', ':all:', '--python', python, requirements], (line) => {
        const { message, fraction } = progress.add(line);
        step.update(message, fraction);
      });
      await finish?.(folder);
      return `${folder} (${progress.summary})`;
    },
  );
  return python;
}

/** Installs one pinned package's files, without what it depends on, into a folder. */
export async function installFiles(options: {
  readonly pins: string;
  readonly target: string;
  readonly python: string;
  readonly step: SetupStep;
  readonly cache?: string;
}): Promise<void> {
  const { pins, target, python, step, cache = cacheDir() } = options;
  const uv = await ensureUv(step, cache);
  await uvCommand(uv, ['pip', 'install', '--no-deps', '--require-hashes', '--python', python, '--target', target, '-r', pins], (line) => {
    if (line.trim() !== '') step.update(line.trim());
  });
}

function pythonEnv(): Record<string, string | undefined> {
  const own = join(projectDir(), 'python');
  const inherited = process.env['PYTHONPATH'];
  return {
    // OpenMP threads that spin at barriers stall one another on a busy machine: measured in docs/engines.md.
    OMP_WAIT_POLICY: 'passive',
    TOKENIZERS_PARALLELISM: 'false',
    ...process.env,
    PYTHONPATH: inherited === undefined || inherited === '' ? own : `${own}:${inherited}`,
    PYTHONUNBUFFERED: '1',
    // Cached bytecode saves seven seconds of each job's imports.
    PYTHONDONTWRITEBYTECODE: undefined,
  };
}

/** uv at its pinned version, in an environment of its own. */
export async function ensureUv(step: SetupStep, cache = cacheDir()): Promise<string> {
  const pins = join(projectDir(), 'python', 'pins', 'uv.txt');
  const folder = join(cache, 'tools', `uv-${contentKey(pins)}-${process.platform}-${process.arch}`);
  const uv = join(folder, 'bin', 'uv');
  await makeOnce(
    folder,
    () => ({ update: (message) => step.update(message), done: () => undefined, fail: () => undefined }),
    async () => {
      const interpreter = await findPython();
      step.update('installing uv, which installs the rest');
      try {
        await runCommand({ command: interpreter, args: ['-m', 'venv', folder] });
      } catch (cause) {
        throw new SetUpError(`${interpreter} cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv`, { cause });
      }
      const pip = [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--disable-pip-version-check',
        '--require-hashes',
        '--only-binary',
        ':all:',
        '-r',
        pins,
      ];
      await network(async () => await runCommand({ command: join(folder, 'bin', 'python'), args: pip }));
      return uv;
    },
  );
  return uv;
}

async function uvCommand(uv: string, args: readonly string[], onLine: (line: string) => void): Promise<void> {
  await network(async () => await runCommand({ command: uv, args: ['--no-progress', '--no-config', ...args], onLine }));
}

/** Says what an installer needs when it fails. */
async function network<T>(install: () => Promise<T>): Promise<T> {
  try {
    return await install();
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    throw new SetUpError(
      `Python packages could not be installed; this needs a Python package index (PyPI, or the one that PIP_INDEX_URL and UV_DEFAULT_INDEX name): ${cause.message}`,
      { cause },
    );
  }
}

/** @throws SetUpError when there is none that is new enough */
export async function findPython(): Promise<string> {
  const chosen = process.env['REHEARSE_PYTHON'];
  const seen: string[] = [];
  for (const name of chosen === undefined ? PYTHON_NAMES : [chosen]) {
    const file = name.includes('/') ? name : findOnPath(name);
    if (file === undefined) continue;
    try {
      const version = (
        await runCommand({ command: file, args: ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], timeoutMs: PROBE_TIMEOUT_MS })
      ).trim();
      const [major = 0, minor = 0] = version.split('.').map(Number);
      if (major > MIN_PYTHON[0] || (major === MIN_PYTHON[0] && minor >= MIN_PYTHON[1])) return file;
      seen.push(`${file} is ${version}`);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      seen.push(`${file} does not run`); // such as a version manager's shim without a version
    }
  }
  throw new SetUpError(
    `Python ${MIN_PYTHON.join('.')} or later is needed (${seen.join(', ') || 'none is on PATH'}); install it, or set REHEARSE_PYTHON to its path`,
  );
}

async function checkRoom(cache: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const { bavail, bsize } = await statfs(cache);
  const free = bavail * bsize;
  if (free < NEEDED_BYTES) {
    throw new SetUpError(
      `${cache} has ${prettyBytes(free)} free, and the Python environment needs ${prettyBytes(NEEDED_BYTES)}; free some, or set REHEARSE_CACHE to a larger disk`,
    );
  }
}
