import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { compareRuns } from '../../bench/kill-figures';
import { killRun, VICTIMS, type KillRunResult } from '../../bench/kill-run';
import { paperRunSpec } from '../../bench/paper-run';
import { Stack } from '../../bench/stack';
import { useTempFolder } from '../support/temp-folder';

const work = useTempFolder();

/** The paper's synthesis, small, through the processes that users run; `bench/kill.ts` does the same at length. */
async function synthesize(name: string, kills: number): Promise<KillRunResult> {
  const folder = join(work(), name);
  mkdirSync(folder);
  const stack = await Stack.start({ folder, llmWorkers: 2, latencyMs: 20, restartWorkers: true });
  try {
    const spec = await paperRunSpec({ instructions: 12, baseURL: `${stack.endpointURL}/v1`, folder, concurrency: 4, shardSize: 4, concurrentShards: 2 });
    return await killRun({ stack, runId: name, spec, kills, seed: 7 });
  } finally {
    await stack.stop();
  }
}

test('a run whose workers and server are killed, one by one and all at once, stores the same rows and pays again only for calls in flight', async () => {
  const undisturbed = await synthesize('undisturbed', 0);
  expect(undisturbed.requests).toBe(12 * 31);
  const disturbed = await synthesize('disturbed', VICTIMS.length);
  expect(new Set(disturbed.kills.map(({ victim }) => victim))).toEqual(new Set(VICTIMS));
  const { problems, equal, outputs } = compareRuns(undisturbed, disturbed);
  expect(problems).toEqual([]);
  // Of each shard: one extraction, three models' responses, nine times judgments, one selection; and the mixture.
  expect([equal, outputs]).toEqual([3 * 14 + 1, 3 * 14 + 1]);
}, 600_000);
