import type { Gpu } from '../../contract/worker-report';
import { findOnPath } from './find-on-path';
import { runCommand } from './run-command';

const TIMEOUT_MS = 15_000;
const MIB = 1 << 20;

/**
 * The NVIDIA GPUs of this machine that nvidia-smi tells of; empty where there is no nvidia-smi.
 * @throws CommandError when it is there and fails
 */
export async function seenGpus(env: NodeJS.ProcessEnv = process.env): Promise<Gpu[]> {
  const tool = findOnPath('nvidia-smi', env);
  if (tool === undefined) return [];
  return readGpus(
    await runCommand({
      command: tool,
      args: ['--query-gpu=name,memory.total,memory.free', '--format=csv,noheader,nounits'],
      env,
      timeoutMs: TIMEOUT_MS,
    }),
  );
}

/** Lines of `name, total MiB, free MiB`; what a driver does not tell (`[N/A]`) counts as 0. */
export function readGpus(csv: string): Gpu[] {
  return csv
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const cells = line.split(',').map((cell) => cell.trim());
      const [total, free] = cells.slice(-2).map((cell) => (Number(cell) || 0) * MIB);
      return { name: cells.slice(0, -2).join(', '), memoryBytes: total ?? 0, freeBytes: free ?? 0 };
    });
}
