import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities';
import type { BatchLimits, BatchOutcome } from '../../contract/batches';
import type { HeartbeatDetails } from '../../contract/progress';
import { contentIdentities } from '../../services/runs/content-identities';
import { stageKeys } from '../../stages/chain';
import { extractStage } from '../../stages/extract';
import { partition } from '../../stages/planned';
import { type RunPlan } from '../../stages/run-plan';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { testDeps } from '../support/temporal';

const temp = useTempFolder();
const INSTRUCTIONS = 8;
const endpoint = useFakeEndpoint();
let deps: ReturnType<typeof testDeps>;
let plan: RunPlan;
let hash: string;

beforeEach(async () => {
  deps = testDeps({ python: fakePythonJobs(), root: join(temp(), 'store') });
  const spec = smallSpec(endpoint().baseURL, (input) => {
    input.synthesis.shardSize = INSTRUCTIONS;
    for (const model of Object.values(input.models)) model.price = { inputUsdPerMillion: 1_000, outputUsdPerMillion: 2_000 };
  });
  const content = await contentIdentities(spec, deps.weights);
  plan = { spec, content, keys: stageKeys(spec, content), shards: partition(INSTRUCTIONS, INSTRUCTIONS) };
  hash = await deps.plans.save(plan);
});

async function extract(limits: BatchLimits = {}, beats: HeartbeatDetails[] = []): Promise<BatchOutcome> {
  const environment = new MockActivityEnvironment();
  environment.on('heartbeat', (details: HeartbeatDetails) => beats.push(details));
  return await environment.run(async () => await createActivities(deps).extractShard({ runId: 'run', plan: hash, shard: 0, ...limits }));
}

async function isStored(): Promise<boolean> {
  return (await deps.stages.find(extractStage.at(plan, plan.shards[0]!))) !== undefined;
}

test('a batch whose allowance ends stores nothing, says what it has cost and needs, and goes on from its journal with more', async () => {
  const first = await extract({ allowance: { tokens: 420 } });
  const { exhausted, cost } = first;
  expect(first).toMatchObject({ usable: 0, requests: 0, reused: false, errors: {} });
  expect(exhausted!.needs.tokens).toBeGreaterThan(0);
  expect(exhausted!.needs.usd).toBe(0);
  expect(cost.tokens).toBeGreaterThan(0);
  expect(cost.tokens).toBeLessThanOrEqual(420);
  expect(await isStored()).toBe(false);
  const made = endpoint().requests.length;
  expect(made).toBeLessThan(INSTRUCTIONS);

  const whole = await extract({ allowance: { tokens: 100_000 } });
  expect(whole.exhausted).toBeUndefined();
  expect(whole.usable).toBe(INSTRUCTIONS);
  expect(whole.cost.tokens).toBe(whole.promptTokens + whole.completionTokens);
  expect(whole.cost.usd).toBeCloseTo((whole.promptTokens * 1_000 + whole.completionTokens * 2_000) / 1e6, 9);
  expect(endpoint().requests).toHaveLength(INSTRUCTIONS);
  expect(endpoint().paidTwice()).toEqual([]);
});

test('an output that is stored has the cost that it had, and needs no allowance', async () => {
  const made = await extract();
  expect(await extract({ allowance: { tokens: 1, usd: 0 } })).toEqual({ ...made, reused: true });
});

test('rows that are made anew from stored calls cost what the calls did, lost ones included', async () => {
  endpoint().inject({ kind: 'reset' }, { times: 1 });
  const { cost } = await extract();
  const folder = deps.stages.folder(extractStage.at(plan, plan.shards[0]!).address);
  await deps.store.remove(`${folder}/manifest-v${extractStage.rowsVersion}.json`);
  const again = await extract({ allowance: { tokens: 1 } });
  expect(again.usable).toBe(INSTRUCTIONS);
  expect(endpoint().requests).toHaveLength(INSTRUCTIONS + 1);
  expect(again.cost.tokens).toBeLessThanOrEqual(cost.tokens);
});

test('the heartbeat tells the cost and the errors by kind, and so does the end', async () => {
  endpoint().inject({ kind: 'status', status: 503, headers: { 'retry-after-ms': '1' } }, { times: 2 });
  endpoint().inject({ kind: 'status', status: 400 }, { when: ({ number }) => number > 4 });
  const beats: HeartbeatDetails[] = [];
  const outcome = await extract({}, beats);
  expect(outcome.errors).toEqual({ overloaded: 2, refused: 1 });
  expect(beats.at(-1)).toMatchObject({ cost: outcome.cost, errors: outcome.errors });
});

test("a run's own limits take the place of the spec's", async () => {
  endpoint().hold();
  const running = extract({ limits: { concurrency: 2 } });
  await endpoint().received(2);
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  endpoint().release();
  await running;
  expect(plan.spec.models['target']!.limits.concurrency).toBe(4);
  expect(endpoint().maxInFlight).toBe(2);
});
