import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatBytes } from '../../contract/figures';
import { seenGpus } from '../../services/local/gpus';
import { NotSetUpError, onlyLook } from '../../services/local/only-look';
import { dataDir, existingFolder, projectDir } from '../../services/local/paths';
import { ensurePython, findPython } from '../../services/local/python-environment';
import { ensureTemporal } from '../../services/local/temporal-server';
import type { ArtifactStore } from '../../services/store/artifact-store';
import { checkStoreWorks } from '../../services/store/store-check';
import type { Finding } from './finding';

const LOW_BYTES = 20e9;
const FULL_BYTES = 1e9;

/** The Node.js that runs this, against package.json's `engines`. */
export function checkNode(version = process.versions.node): Finding {
  const wanted = (require(`${projectDir()}/package.json`) as { engines: { node: string } }).engines.node.replace(/^>=/, '');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = wanted.split('.').map(Number);
  const enough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  return enough
    ? { check: 'Node.js', state: 'ok', message: version }
    : { check: 'Node.js', state: 'fail', message: `${version} is too old`, fix: `install Node.js ${wanted} or later` };
}

/** The Python environment of training and evaluation; else whether it could be made. */
export async function checkPython(): Promise<Finding> {
  const check = 'Python';
  try {
    return { check, state: 'ok', message: `environment at ${dirname(dirname((await ensurePython(onlyLook)).python))}` };
  } catch (error) {
    if (!(error instanceof NotSetUpError)) return { check, state: 'fail', message: sentence(error) };
  }
  try {
    return {
      check,
      state: 'warn',
      message: `${await findPython()} is there, its environment is not made yet`,
      fix: 'the first worker that trains makes it, or "npx rehearse demo" now',
    };
  } catch (error) {
    return { check, state: 'fail', message: sentence(error) };
  }
}

/** The `temporal` command, for the dev server. Only needed where no server is configured. */
export async function checkTemporalBinary(): Promise<Finding> {
  const check = 'temporal';
  try {
    const { path, source } = await ensureTemporal(onlyLook);
    return {
      check,
      state: 'ok',
      message: `${path} (${{ path: 'on PATH', 'sdk-download': "the SDK's download", 'go-build': 'built from Go modules' }[source]})`,
    };
  } catch (error) {
    if (!(error instanceof NotSetUpError)) return { check, state: 'fail', message: sentence(error) };
    return {
      check,
      state: 'warn',
      message: 'the temporal command is not here yet',
      fix: '"npx rehearse dev" gets it, unless TEMPORAL_ADDRESS names a server',
    };
  }
}

/** Whether the artifact store can be reached, written and read back. @param open gives it, or throws what is wrong with its name */
export async function checkStore(open: () => ArtifactStore): Promise<Finding> {
  const check = 'store';
  try {
    const store = open();
    const folder = dirname(store.location('runs'));
    await checkStoreWorks(store);
    return { check, state: 'ok', message: `${folder} can be written` };
  } catch (error) {
    return {
      check,
      state: 'fail',
      message: sentence(error),
      fix: 'repair it, or set REHEARSE_STORE (or REHEARSE_HOME) to another location',
    };
  }
}

/** Free space where runs are stored. */
export async function checkDisk(folder = dataDir()): Promise<Finding> {
  const existing = existingFolder(folder);
  const { bavail, bsize } = await statfs(existing);
  return diskFinding(existing, bavail * bsize);
}

/** What so many free bytes mean for a run. */
export function diskFinding(folder: string, freeBytes: number): Finding {
  const message = `${formatBytes(freeBytes)} free at ${folder}`;
  const fix = 'free some, or set REHEARSE_HOME to a larger disk; a checkpoint of a large model takes hundreds of GB';
  if (freeBytes >= LOW_BYTES) return { check: 'disk', state: 'ok', message };
  return { check: 'disk', state: freeBytes < FULL_BYTES ? 'fail' : 'warn', message: `only ${message}`, fix };
}

/** GPUs, as nvidia-smi tells. None is a warning where the spec's model needs one. */
export async function checkGpu({ needed }: { readonly needed: boolean }): Promise<Finding> {
  const check = 'GPU';
  const none: Finding = needed
    ? {
        check,
        state: 'warn',
        message: 'this machine has no NVIDIA GPU',
        fix: 'run "npx rehearse worker --queue gpu" on one that has; the other queues need none',
      }
    : { check, state: 'ok', message: 'no NVIDIA GPU here: training and evaluation use the CPU, which is enough for the demo only' };
  try {
    const gpus = await seenGpus();
    return gpus.length === 0
      ? none
      : { check, state: 'ok', message: gpus.map(({ name, memoryBytes }) => `${name}, ${formatBytes(memoryBytes)}`).join('; ') };
  } catch (error) {
    return { check, state: 'warn', message: `nvidia-smi is there but fails (${sentence(error)})`, fix: 'check the driver' };
  }
}

function sentence(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
