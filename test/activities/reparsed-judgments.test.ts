import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities';
import type { BatchOutcome } from '../../contract/batches';
import type { Judgment } from '../../method/records';
import { contentIdentities } from '../../services/runs/content-identities';
import { stageKeys } from '../../stages/chain';
import { judgeStage } from '../../stages/judge';
import { partition, type Shard } from '../../stages/planned';
import { respondStage } from '../../stages/respond';
import { type RunPlan } from '../../stages/run-plan';
import { selectStage } from '../../stages/select';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { testDeps } from '../support/temporal';

/** Stores of earlier releases: their judgments are read again, from the stored replies, when the code that reads them has changed. */
const temp = useTempFolder();
const endpoint = useFakeEndpoint();
let deps: ReturnType<typeof testDeps>;
let plan: RunPlan;
let shard: Shard;
let hash: string;

type Activities = ReturnType<typeof createActivities>;

async function run(body: (activities: Activities) => Promise<BatchOutcome>): Promise<BatchOutcome> {
  return await new MockActivityEnvironment().run(async () => await body(createActivities(deps)));
}

const input = () => ({ runId: 'run', plan: hash, shard: 0 });
const judge = async (): Promise<BatchOutcome> =>
  await run(async (all) => await all.judgeShard({ ...input(), generator: 'other', judge: 'target' }));
const select = async (): Promise<BatchOutcome> => await run(async (all) => await all.selectShard(input()));

/** Puts the judgments as an earlier release would have stored them in the place of what is there. */
async function storeAsBefore(change: (row: Judgment) => Judgment): Promise<void> {
  const output = judgeStage.at(plan, shard, 'target', 'other');
  const { manifest } = await deps.stages.input(output);
  const rows = (await deps.stages.readRows({ stage: output.stage, manifest })).map(change);
  const calls = await deps.stages.readCalls(manifest);
  await deps.stages.commit(
    { ...output, stage: { ...output.stage, rowsVersion: 1 } },
    { rows, failures: [], calls, stats: manifest.stats, inputs: manifest.inputs.map(({ address }) => ({ stage: output.stage, address })) },
  );
  await deps.store.remove(`${deps.stages.folder(output.address)}/manifest-v${judgeStage.rowsVersion}.json`);
}

beforeEach(async () => {
  deps = testDeps({ python: fakePythonJobs(), root: join(temp(), 'store') });
  const spec = smallSpec(endpoint().baseURL, (draft) => {
    draft.synthesis.extract.instructions = 3;
    draft.synthesis.respond.generators = ['other'];
    draft.synthesis.judge.judges = ['target'];
    draft.variants = ['official', 'method'];
  });
  const content = await contentIdentities(spec, deps.weights);
  plan = { spec, content, keys: stageKeys(spec, content), shards: partition(3, 3) };
  shard = plan.shards[0]!;
  hash = await deps.plans.save(plan);
  await run(async (all) => await all.extractShard(input()));
  await run(async (all) => await all.respondShard({ ...input(), generator: 'other' }));
  await judge();
});

test('a column that no row uses is not in the file, so that a store of before has the same files', async () => {
  const { manifest } = await deps.stages.input(respondStage.at(plan, shard, 'other'));
  const file = await deps.store.read(`${deps.stages.folder(manifest)}/${manifest.rows.file}`);
  expect(file!.includes('finishReason')).toBe(true);
  expect(file!.includes('reasoning')).toBe(false);
  expect((await deps.stages.readRows({ stage: respondStage, manifest }))[0]).not.toHaveProperty('reasoning');
});

test('judgments that are read as before leave all that was made from them as it is, without a call', async () => {
  await select();
  await storeAsBefore((row) => row);
  const calls = endpoint().requests.length;
  expect(await judge()).toMatchObject({ reused: false, usable: 6 });
  expect(await select()).toMatchObject({ reused: true });
  expect(endpoint().requests).toHaveLength(calls);
});

test('judgments that are read otherwise have the selection made again, without a call', async () => {
  await select();
  const output = selectStage.at(plan, shard);
  const { manifest } = await deps.stages.input(output);
  await storeAsBefore((row) => ({ ...row, score: 5 }));
  await deps.store.remove(`${deps.stages.folder(output.address)}/manifest-v${selectStage.rowsVersion}.json`);
  await deps.stages.commit(output, {
    rows: await deps.stages.readRows({ stage: output.stage, manifest }),
    failures: [],
    stats: manifest.stats,
    detail: { ties: 0 },
    inputs: manifest.inputs.map(({ address }) => ({ stage: output.stage, address })),
  });
  const calls = endpoint().requests.length;
  expect(await judge()).toMatchObject({ reused: false, usable: 6 });
  expect(await select()).toMatchObject({ reused: false });
  expect(endpoint().requests).toHaveLength(calls);
});
