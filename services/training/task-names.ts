import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isLeaderboardTask } from '../../config/evaluation-splits';
import type { RunSpec } from '../../config/spec';
import type { PythonJob, PythonJobs } from '../python/python-jobs';

/** Tasks of a spec whose names only lm-evaluation-harness knows. */
export function otherTasks({ evaluate }: Pick<RunSpec, 'evaluate'>): string[] {
  return evaluate.tasks.map(({ task }) => task).filter((task) => !isLeaderboardTask(task));
}

/**
 * Asks lm-evaluation-harness whether it has these tasks; some seconds, since it reads fourteen thousand of them.
 * @throws PythonJobError `bad_spec` with the nearest names for one that it has not
 */
export async function checkTaskNames(
  python: PythonJobs,
  tasks: readonly string[],
  { stop, onEvent }: Pick<PythonJob<'tasks'>, 'stop' | 'onEvent'>,
): Promise<void> {
  const outputDir = await mkdtemp(join(tmpdir(), 'rehearse-tasks-'));
  try {
    await python.run({ command: 'tasks', spec: { tasks, outputDir }, stop, onEvent });
  } finally {
    await rm(outputDir, { recursive: true, force: true });
  }
}
