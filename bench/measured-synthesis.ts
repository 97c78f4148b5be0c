import { setTimeout as sleep } from 'node:timers/promises';
import { startRun } from '../cli/runs/start-run';
import type { RunSpec } from '../config/spec';
import { untilSynthesized } from './follow-run';
import type { Stack } from './stack';

/** What a synthesis took, from the first call that arrived to the last row stored. */
export interface SynthesisUsage {
  /** CPU seconds, of the workers, of the llm workers among them, and of the Temporal server. */
  readonly cpuSeconds: { readonly workers: number; readonly llm: number; readonly server: number };
  /** Of the largest worker. */
  readonly peakRssBytes: number;
  /** When it was completed; milliseconds since the epoch. */
  readonly closedAt: number;
}

const FIRST_CALL_POLL_MS = 20;

/** Runs the synthesis of a spec, or goes on with it when it runs already, and ends the run before anything is trained. */
export async function measureSynthesis(stack: Stack, runId: string, spec: RunSpec): Promise<SynthesisUsage> {
  return await stack.whileRunning(
    stack.withClient(async (client) => {
      await startRun(client, runId, spec);
      while ((await stack.stats()).requests === 0) await sleep(FIRST_CALL_POLL_MS);
      const before = cpuOf(stack);
      await untilSynthesized(client, runId);
      const after = cpuOf(stack);
      const { closeTime } = await client.workflow.getHandle(`${runId}/synthesis`).describe();
      await client.workflow.getHandle(runId).terminate('the synthesis is done, and nothing is trained here');
      return {
        cpuSeconds: { workers: after.workers - before.workers, llm: after.llm - before.llm, server: after.server - before.server },
        peakRssBytes: Math.max(...stack.workers.map((process) => process.usage()?.peakRssBytes ?? 0)),
        closedAt: closeTime?.getTime() ?? Date.now(),
      };
    }),
  );
}

function cpuOf(stack: Stack): SynthesisUsage['cpuSeconds'] {
  const sum = (processes: Stack['workers']): number => processes.reduce((total, process) => total + (process.usage()?.cpuSeconds ?? 0), 0);
  return { workers: sum(stack.workers), llm: sum(stack.llm), server: sum([stack.temporal]) };
}
