import { statfs } from 'node:fs/promises';
import { availableParallelism, freemem, hostname, totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { QueueName } from '../../contract/task-queues';
import type { WorkerReport } from '../../contract/worker-report';
import { seenGpus } from '../local/gpus';
import { NotSetUpError, onlyLook } from '../local/only-look';
import { dataDir, existingFolder, projectDir } from '../local/paths';
import { ensurePython } from '../local/python-environment';
import type { ArtifactStore } from '../store/artifact-store';
import { checkStoreWorks } from '../store/store-check';

/** Version of this checkout. */
export function release(): string {
  return (require(`${projectDir()}/package.json`) as { version: string }).version;
}

/** Looks at this machine as a worker finds it; never throws for what it finds. */
export async function reportWorker(queues: readonly QueueName[], store: ArtifactStore): Promise<WorkerReport> {
  const problems: string[] = [];
  const noting = async <T>(what: string, look: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await look();
    } catch (error) {
      problems.push(`${what}: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]}`);
      return otherwise;
    }
  };
  const folder = existingFolder(dataDir());
  await noting('store', async () => await checkStoreWorks(store), undefined);
  return {
    host: hostname(),
    pid: process.pid,
    queues,
    release: release(),
    node: process.versions.node,
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    gpus: await noting('GPU', seenGpus, []),
    disk: { folder, freeBytes: await noting('disk', async () => await freeBytes(folder), 0) },
    store: dirname(store.location('runs')),
    python: await noting('Python', pythonState, 'not made yet'),
    problems,
  };
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function pythonState(): Promise<WorkerReport['python']> {
  try {
    await ensurePython(onlyLook);
    return 'ready';
  } catch (error) {
    if (error instanceof NotSetUpError) return 'not made yet';
    throw error;
  }
}
