import { once } from 'node:events';
import { join } from 'node:path';
import { startRun } from '../../cli/runs/start-run';
import type { RunSpec } from '../../config/spec';
import { openStore, type OpenStore } from '../../services/runs/open-store';
import type { RunPlan } from '../../stages/run-plan';
import { untilDone } from '../follow-run';
import { Stack } from '../stack';

/** Workers that are told to stop save what they are at; so long is waited for them. */
const DRAIN_MS = 150_000;

/** A run of the study, as it is stored. */
export interface StudyRun {
  readonly runId: string;
  readonly opened: OpenStore;
  readonly plan: RunPlan;
}

/** The store of the runs in a folder. */
function storeIn(folder: string): OpenStore {
  return openStore(join(folder, 'home', 'store'));
}

/** @throws Error where the folder has no such run */
export async function storedStudyRun(folder: string, runId: string): Promise<StudyRun> {
  const opened = storeIn(folder);
  const record = await opened.plans.findRun(runId);
  if (record === undefined) throw new Error(`${folder} has no run ${runId}; remove the folder and begin again`);
  return { runId, opened, plan: await opened.plans.load(record.plan) };
}

/**
 * Runs a spec to its end with a Temporal server and workers of its own, whose folder is kept: a second call goes on with what is stored.
 * @throws the reason of `signal` once everything has stopped; Error when the run fails
 */
export async function runStudy(folder: string, runId: string, spec: RunSpec, signal: AbortSignal): Promise<StudyRun> {
  signal.throwIfAborted();
  // The models are served by the runs themselves: there is no endpoint beside them.
  const stack = await Stack.start({ folder, llmWorkers: 1, latencyMs: 0, endpointURL: 'http://127.0.0.1:1', gpu: true });
  try {
    const finished = stack.withClient(async (client) => {
      await startRun(client, runId, spec);
      await untilDone(client, runId);
    });
    await Promise.race([stack.whileRunning(finished), aborted(signal)]);
  } finally {
    await Promise.all(stack.workers.map(async (worker) => await worker.stop(DRAIN_MS)));
    await stack.stop();
  }
  return await storedStudyRun(folder, runId);
}

async function aborted(signal: AbortSignal): Promise<never> {
  await once(signal, 'abort');
  throw signal.reason;
}
