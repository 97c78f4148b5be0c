import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlQuery, pauseUpdate, setBudgetUpdate } from '../../contract/control';
import { TASK_QUEUES } from '../../contract/task-queues';
import { experiment } from '../../workflows';
import { TEST_PRICE } from '../support/billed';
import { until } from '../support/control';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
const endpoint = useFakeEndpoint({ latencyMs: 15 });
let root: string;

beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'rehearse-test-'))));
afterEach(() => rmSync(root, { recursive: true }));

/** Two runs of one spec, which share every output of the synthesis, and the workers. */
async function withTwoRuns(
  body: (handles: readonly Awaited<ReturnType<typeof start>>[]) => Promise<void>,
  budget?: { readonly usd: number },
): Promise<void> {
  const spec = smallSpec(endpoint().baseURL, (draft) => {
    draft.synthesis.extract.instructions = 24;
    for (const model of Object.values(draft.models)) model.price = TEST_PRICE;
    if (budget !== undefined) draft.budget = budget;
  });
  await withWorkers(environment(), testDeps({ python: fakePythonJobs(), root }), async () => {
    await body(await Promise.all(['one', 'other'].map(async (id) => await start(id, spec))));
  });
}

let round = 0;

async function start(id: string, spec: ReturnType<typeof smallSpec>) {
  return await environment().client.workflow.start(experiment, {
    workflowId: `shared-${id}-${round++}`,
    taskQueue: TASK_QUEUES.orchestration,
    args: [spec],
  });
}

/** Calls of one run alone: an instruction, 2 responses of one request and 2 of one each, 8 judgments. */
const CALLS = 24 * (1 + 1 + 2 + 8);

test('two runs that share a synthesis, started together, pay for it once', async () => {
  await withTwoRuns(async (handles) => {
    const results = await Promise.all(handles.map(async (handle) => await handle.result()));
    expect(results.map(({ replayRows }) => replayRows)).toEqual([24, 24]);
  });
  expect(endpoint().paidTwice()).toHaveLength(0);
  expect(endpoint().requests).toHaveLength(CALLS);
}, 300_000);

test('what one run was paused, cancelled or out of budget over, the other makes on from where it was', async () => {
  await withTwoRuns(
    async ([one, other]) => {
      await endpoint().received(15);
      await one!.executeUpdate(pauseUpdate, { args: [{}] });
      await until(async () => ((await other!.query(controlQuery)).pausedBy === 'budget' ? true : undefined));
      await one!.cancel();
      await expect(one!.result()).rejects.toThrow('Workflow execution cancelled');
      await other!.executeUpdate(setBudgetUpdate, { args: [{ usd: null }] });
      expect((await other!.result()).replayRows).toBe(24);
    },
    { usd: 30 },
  );
  expect(endpoint().paidTwice()).toHaveLength(0);
  expect(endpoint().requests).toHaveLength(CALLS);
}, 300_000);
