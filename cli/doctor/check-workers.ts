import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { formatBytes } from '../../contract/figures';
import { TASK_QUEUES } from '../../contract/task-queues';
import { type WorkerReport } from '../../contract/worker-report';
import { release } from '../../services/runs/worker-report';
import type { describeWorker } from '../../workflows/describe-worker';
import { failureSentence } from '../terminal/failure-sentence';
import { diskFinding } from './check-machine';
import { type Finding } from './finding';

/** A worker that has just ended is listed for a minute more; one that runs answers at once. */
const ANSWER_TIMEOUT_MS = 30_000;
const MOST_ASKED = 32;

/**
 * What each worker process sees of its machine: one line each.
 * @param identities of those that poll our queues
 */
export async function checkWorkers(client: Client, identities: readonly string[], timeoutMs = ANSWER_TIMEOUT_MS): Promise<Finding[]> {
  const asked = identities.slice(0, MOST_ASKED);
  const findings = await Promise.all(asked.map(async (identity) => await checkWorker(client, identity, timeoutMs)));
  if (asked.length === identities.length) return findings;
  return [...findings, { check: 'workers', state: 'warn', message: `${identities.length - asked.length} more workers were not asked` }];
}

async function checkWorker(client: Client, identity: string, timeoutMs: number): Promise<Finding> {
  try {
    return workerFinding(
      identity,
      await client.workflow.execute<typeof describeWorker>('describeWorker', {
        workflowId: `doctor-${randomBytes(6).toString('hex')}`,
        taskQueue: TASK_QUEUES.orchestration,
        args: [identity],
        workflowExecutionTimeout: timeoutMs,
      }),
    );
  } catch (error) {
    return {
      check: `worker ${identity}`,
      state: 'warn',
      message: `does not answer (${failureSentence(error)}): it has ended in the last minute, or is of another release`,
      fix: 'ask again in a minute; if it still polls then, start it again',
    };
  }
}

/** What a report means. */
export function workerFinding(identity: string, report: WorkerReport, ours = release()): Finding {
  const { queues, cpus, memoryBytes, freeMemoryBytes, gpus, disk, store, python, problems, node } = report;
  const check = `worker ${identity}`;
  const trains = queues.includes('gpu');
  const space = diskFinding(disk.folder, disk.freeBytes);
  const message = [
    queues.map((queue) => TASK_QUEUES[queue]).join(', '),
    `Rehearse ${report.release} on Node.js ${node}`,
    `${cpus} CPUs, ${formatBytes(freeMemoryBytes)} of ${formatBytes(memoryBytes)} free`,
    gpus.length === 0
      ? 'no GPU'
      : gpus
          .map(({ name, memoryBytes: total, freeBytes }) => `${name} with ${formatBytes(freeBytes)} of ${formatBytes(total)} free`)
          .join(', '),
    ...(trains ? [`Python ${python === 'ready' ? 'environment ready' : 'environment not made yet'}`] : []),
    space.message,
    `store ${store}`,
    ...problems,
  ].join('; ');
  if (problems.length > 0) return { check, state: 'fail', message, fix: 'fix it on that machine, and start the worker again' };
  if (space.state !== 'ok') return { check, state: space.state, message, fix: space.fix };
  if (report.release !== ours) {
    return { check, state: 'warn', message, fix: `this command is Rehearse ${ours}: workers of one run must be of one release` };
  }
  if (trains && python !== 'ready') {
    return {
      check,
      state: 'warn',
      message,
      fix: 'its first training makes the environment, some minutes and 8 GB; or run "npx rehearse demo" there once',
    };
  }
  return { check, state: 'ok', message };
}
