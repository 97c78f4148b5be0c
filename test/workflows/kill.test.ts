import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { untilSynthesized, untilTraining } from '../../bench/follow-run';
import { compareRuns } from '../../bench/kill-figures';
import { killRun, VICTIMS, type KillRunResult } from '../../bench/kill-run';
import { paperRunSpec } from '../../bench/paper-run';
import { Stack } from '../../bench/stack';
import { readStoreSnapshot } from '../../bench/stored-calls';
import { startRun } from '../../cli/runs/start-run';
import type { RunSpec } from '../../config/spec';
import { controlQuery, setBudgetUpdate } from '../../contract/control';
import { until } from '../support/control';
import { useTempFolder } from '../support/temp-folder';

const INSTRUCTIONS = 12;
const work = useTempFolder();

/** The paper's synthesis, small, through the processes that users run; `bench/kill.ts` does the same at length. */
async function withStack<T>(name: string, body: (stack: Stack, spec: RunSpec) => Promise<T>): Promise<T> {
  const folder = join(work(), name);
  mkdirSync(folder);
  const stack = await Stack.start({ folder, llmWorkers: 2, latencyMs: 20, restartWorkers: true });
  try {
    return await body(
      stack,
      await paperRunSpec({
        instructions: INSTRUCTIONS,
        baseURL: `${stack.endpointURL}/v1`,
        folder,
        concurrency: 4,
        shardSize: 4,
        concurrentShards: 2,
      }),
    );
  } finally {
    await stack.stop();
  }
}

async function tokensBilled(stack: Stack): Promise<number> {
  const { promptTokens, completionTokens } = await stack.stats();
  return promptTokens + completionTokens;
}

test('runs whose processes are killed store the same rows as an undisturbed one, pay again only for calls in flight, and keep to a budget', async () => {
  const [undisturbed, tokens] = await withStack('undisturbed', async (stack, spec) => {
    const result = await killRun({ stack, runId: 'undisturbed', spec, kills: 0, seed: 7 });
    return [result, await tokensBilled(stack)] as const;
  });
  expect(undisturbed.requests).toBe(INSTRUCTIONS * 31);

  // Workers and server, one by one and all at once.
  const disturbed = await withStack(
    'disturbed',
    async (stack, spec) => await killRun({ stack, runId: 'disturbed', spec, kills: VICTIMS.length, seed: 7 }),
  );
  expect(new Set(disturbed.kills.map(({ victim }) => victim))).toEqual(new Set(VICTIMS));
  const { problems, equal, outputs } = compareRuns(undisturbed, disturbed);
  expect(problems).toEqual([]);
  // Of each shard: one extraction, three models' responses, nine times judgments, one selection; and the mixture.
  expect([equal, outputs]).toEqual([3 * 14 + 1, 3 * 14 + 1]);

  await withStack(
    'budgeted',
    async (stack, spec) => await killWithinBudget(stack, spec, { budget: Math.round(tokens * 0.7), undisturbed }),
  );
}, 600_000);

/** Kills all llm workers while a budget is being spent; it is lifted once it is reached. */
async function killWithinBudget(
  stack: Stack,
  spec: RunSpec,
  { budget, undisturbed }: { readonly budget: number; readonly undisturbed: KillRunResult },
): Promise<void> {
  const store = join(stack.home, 'store');
  await stack.withClient(async (client) => {
    await startRun(client, 'budgeted', { ...spec, budget: { tokens: budget } });
    await until(async () => ((await stack.stats()).requests > INSTRUCTIONS * 8 ? true : undefined));
    await Promise.all(stack.llm.map(async (worker) => await worker.kill()));
    await until(async () => ((await stack.stats()).inFlight === 0 ? true : undefined));
    const lost = (await stack.stats()).distinct - (await readStoreSnapshot(store)).calls;
    for (const worker of stack.llm) worker.start();

    const handle = client.workflow.getHandle('budgeted');
    const { pausedBy } = await until(async () => {
      const state = await handle.query(controlQuery);
      return state.paused ? state : undefined;
    });
    expect(pausedBy).toBe('budget');
    await until(async () => ((await stack.stats()).inFlight === 0 ? true : undefined));
    // What the killed calls had cost is in it, though no reply of theirs was kept.
    expect(await tokensBilled(stack)).toBeLessThanOrEqual(budget);

    await handle.executeUpdate(setBudgetUpdate, { args: [{ tokens: null }] });
    await untilSynthesized(client, 'budgeted');
    await untilTraining(client, 'budgeted');
    await handle.terminate();
    expect((await stack.stats()).repeated).toBeLessThanOrEqual(lost);
    expect((await readStoreSnapshot(store)).outputs).toEqual(undisturbed.store.outputs);
  });
}
