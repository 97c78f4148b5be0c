import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowFailedError, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { RunSpec } from '../../config/spec';
import { controlQuery, pauseRequestSignal, resumeUpdate, setBudgetUpdate, type ControlState } from '../../contract/control';
import type { RunSettings } from '../../contract/run-settings';
import { TASK_QUEUES } from '../../contract/task-queues';
import type { Cost } from '../../method/cost';
import type { ReplayRow } from '../../method/records';
import { selectStage } from '../../stages/select';
import { experiment } from '../../workflows';
import { billed, TEST_PRICE } from '../support/billed';
import { cancellationsHeard, standstill, until } from '../support/control';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
/** The same run without a budget: what it costs and what comes of it. */
let unlimited: { readonly cost: Cost; readonly spent: Cost; readonly rows: readonly ReplayRow[] };
const folders: string[] = [];

function newDeps(): ReturnType<typeof testDeps> {
  const root = mkdtempSync(join(tmpdir(), 'rehearse-test-'));
  folders.push(root);
  return testDeps({ python: fakePythonJobs(), root });
}

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof experiment>;

async function start(runId: string, spec: RunSpec, settings?: RunSettings): Promise<Handle> {
  return await environment().client.workflow.start(experiment, {
    workflowId: runId,
    taskQueue: TASK_QUEUES.orchestration,
    args: settings === undefined ? [spec] : [spec, settings],
  });
}

/** Priced, at one address for all tests, so that what endpoints reply is the same. */
function pricedSpec(endpoint: FakeEndpoint, budget?: RunSpec['budget']): RunSpec {
  return smallSpec(endpoint.baseURL, (spec) => {
    for (const model of Object.values(spec.models)) model.price = TEST_PRICE;
    if (budget !== undefined) spec.budget = budget;
  });
}

async function replaySet(deps: ReturnType<typeof testDeps>, runId: string): Promise<ReplayRow[]> {
  const plan = await deps.plans.load((await deps.plans.findRun(runId))?.plan ?? '');
  const parts = await Promise.all(
    plan.shards.map(async (shard) => {
      const manifest = await deps.stages.latest(selectStage.at(plan, shard));
      return manifest === undefined ? [] : await deps.stages.readRows(manifest);
    }),
  );
  return parts.flat();
}

async function pausedByBudget(handle: Handle): Promise<ControlState> {
  const state = await until(async () => {
    const seen = await handle.query(controlQuery);
    return seen.paused ? seen : undefined;
  });
  await standstill(environment(), handle.workflowId);
  return state;
}

async function withEndpoint<T>(body: (endpoint: FakeEndpoint) => Promise<T>): Promise<T> {
  const endpoint = await FakeEndpoint.start({ latencyMs: 10 });
  try {
    return await body(endpoint);
  } finally {
    await endpoint.close();
  }
}

beforeAll(async () => {
  unlimited = await withEndpoint(async (endpoint) => {
    const deps = newDeps();
    return await withWorkers(environment(), deps, async () => {
      const handle = await start('unlimited', pricedSpec(endpoint));
      await handle.result();
      const { spent } = await handle.query(controlQuery);
      return { cost: billed(endpoint.requests), spent, rows: await replaySet(deps, 'unlimited') };
    });
  });
}, 600_000);

afterAll(async () => {
  await Promise.all(folders.map(async (folder) => await rm(folder, { recursive: true })));
});

test('a run without a budget tells what it has spent', () => {
  expect(unlimited.spent.tokens).toBe(unlimited.cost.tokens);
  expect(unlimited.spent.usd).toBeCloseTo(unlimited.cost.usd, 9);
});

describe('a budget is never exceeded, and raising it ends in the same replay set', () => {
  test.each([
    ['usd', 0.02],
    ['usd', 0.4],
    ['usd', 0.9],
    ['tokens', 0.15],
    ['tokens', 0.7],
  ] as const)('in %s, for %d of what the run costs', async (side, share) => {
    await withEndpoint(async (endpoint) => {
      const deps = newDeps();
      const runId = `budget-${side}-${share * 100}`;
      const amount = side === 'usd' ? unlimited.cost.usd * share : Math.round(unlimited.cost.tokens * share);
      await withWorkers(environment(), deps, async () => {
        const handle = await start(runId, pricedSpec(endpoint, { [side]: amount }));
        const state = await pausedByBudget(handle);
        expect(state).toMatchObject({ pausedBy: 'budget', budget: { [side]: amount } });
        expect(state.reason).toMatch(
          side === 'usd'
            ? /^the budget of \$[\d.]+ is reached: \$[\d.]+ is spent, and the next call may cost up to \$[\d.]+$/
            : /^the budget of [\d,]+ tokens is reached: [\d,]+ are spent, and the next call may take up to [\d,]+$/,
        );
        expect(billed(endpoint.requests)[side]).toBeLessThanOrEqual(amount);
        expect(state.spent[side]).toBeCloseTo(billed(endpoint.requests)[side], 9);

        // Resumed as it is, it can only say so again.
        const before = endpoint.requests.length;
        await handle.executeUpdate(resumeUpdate);
        expect((await pausedByBudget(handle)).pausedBy).toBe('budget');
        expect(endpoint.requests).toHaveLength(before);

        await handle.executeUpdate(setBudgetUpdate, { args: [{ [side]: null }] });
        expect((await handle.result()).replayRows).toBe(8);
        expect(endpoint.paidTwice()).toHaveLength(0);
        expect(billed(endpoint.requests).tokens).toBe(unlimited.cost.tokens);
      });
      expect((await replaySet(deps, runId)).map(({ instruction, response, meanScore }) => ({ instruction, response, meanScore }))).toEqual(
        unlimited.rows.map(({ instruction, response, meanScore }) => ({ instruction, response, meanScore })),
      );
    });
  });

  test('when it is set on a run that had none, and raised step by step', async () => {
    await withEndpoint(async (endpoint) => {
      await withWorkers(environment(), newDeps(), async () => {
        const handle = await start('set-later', pricedSpec(endpoint));
        await endpoint.received(25);
        endpoint.hold(); // batches go on until they hear of it
        for (const share of [0.7, 0.8, 0.9]) {
          const usd = unlimited.cost.usd * share;
          await handle.executeUpdate(setBudgetUpdate, { args: [{ usd }] });
          await cancellationsHeard(environment(), 'set-later');
          endpoint.release();
          const state = await pausedByBudget(handle);
          expect(state).toMatchObject({ pausedBy: 'budget', budget: { usd } });
          expect(billed(endpoint.requests).usd).toBeLessThanOrEqual(usd);
        }
        const { withdrawn } = await handle.executeUpdate(setBudgetUpdate, { args: [{ usd: 0.0001 }] });
        expect(withdrawn).toEqual({ inFlight: { usd: 0, tokens: 0 }, silent: [] });
        expect(await pausedByBudget(handle)).toMatchObject({ pausedBy: 'budget', budget: { usd: 0.0001 } });
        await handle.executeUpdate(setBudgetUpdate, { args: [{ usd: unlimited.cost.usd * 100 }] });
        expect((await handle.result()).replayRows).toBe(8);
        expect(endpoint.paidTwice()).toHaveLength(0);
      });
    });
  });
});

test('a pause that was asked for under a budget which has been replaced since does not pause the run', async () => {
  await withEndpoint(async (endpoint) => {
    await withWorkers(environment(), newDeps(), async () => {
      const handle = await start('replaced', pricedSpec(endpoint));
      await endpoint.received(10);
      endpoint.hold();
      await handle.executeUpdate(setBudgetUpdate, { args: [{ usd: unlimited.cost.usd * 100 }] });
      const halt = async (revision: number): Promise<void> => {
        await handle.signal(pauseRequestSignal, { by: 'budget', reason: 'the budget is reached', revision, spent: { usd: 0, tokens: 0 } });
      };
      await halt(0);
      expect(await handle.query(controlQuery)).toMatchObject({ paused: false });
      await halt(1_000);
      expect(await handle.query(controlQuery)).toMatchObject({ paused: true, pausedBy: 'budget', reason: 'the budget is reached' });
      endpoint.release();
      await handle.executeUpdate(setBudgetUpdate, { args: [{ usd: null }] });
      await halt(1);
      expect((await handle.result()).replayRows).toBe(8);
    });
  });
});

test('a run that is started again knows what was spent before, and needs nothing for what is stored', async () => {
  await withEndpoint(async (endpoint) => {
    await withWorkers(environment(), newDeps(), async () => {
      const usd = unlimited.cost.usd * 0.6;
      const handle = await start('again', pricedSpec(endpoint, { usd }));
      const first = await pausedByBudget(handle);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);

      const again = await start('again', pricedSpec(endpoint, { usd }));
      const second = await pausedByBudget(again);
      // Shared out in another order, there may be room for one more cheap call.
      expect(second.spent.usd).toBeGreaterThan(first.spent.usd - 1e-9); // sums of fractions
      expect(second.spent.usd).toBeCloseTo(billed(endpoint.requests).usd, 9);
      expect(billed(endpoint.requests).usd).toBeLessThanOrEqual(usd);
      await again.executeUpdate(setBudgetUpdate, { args: [{ usd: null }] });
      await again.result();

      const calls = endpoint.requests.length;
      const finished = await start('again', pricedSpec(endpoint, { usd: 0.001 }), { limits: {} });
      expect((await finished.result()).replayRows).toBe(8);
      expect(endpoint.requests).toHaveLength(calls);
    });
  });
});

test('sharing out a budget takes few events: 200 shards stay far below the limits of a history', async () => {
  await withEndpoint(async (endpoint) => {
    await withWorkers(environment(), newDeps(), async () => {
      const handle = await start('ample', pricedSpec(endpoint, { usd: unlimited.cost.usd * 20, tokens: unlimited.cost.tokens * 20 }));
      await handle.result();
      const events = async (id: string): Promise<number> =>
        (await environment().client.workflow.getHandle(id).fetchHistory()).events?.length ?? 0;
      // Shards of 3 instructions are the worst case: the reservation of a call is most of what its batch is expected to cost.
      expect((await events('ample/synthesis')) / 3).toBeLessThan(10_000 / 200);
      expect(await events('ample/shard-00000')).toBeLessThan(500);
    });
  });
});
