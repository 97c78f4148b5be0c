import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActivityDeps } from '../../activities/deps';
import type { RunSpec } from '../../config/spec';
import { TASK_QUEUES } from '../../contract/task-queues';
import { exportStage, EXPORT_STAGES } from '../../export/export-rows';
import { deriveSeed } from '../../method/seeds';
import { gatherReport } from '../../report/gather/report-data';
import type { StageManifest } from '../../services/store/stage-store';
import type { StageAddress } from '../../stages/address';
import { addresses, type RunPlan, type Shard } from '../../stages/run-plan';
import { sha256 } from '../../stages/sha256';
import { ROWS_VERSIONS, type StageName } from '../../stages/stage-keys';
import { experiment } from '../../workflows';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { defaultReply } from '../support/fake-replies';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const RUN = 'damaged';

const environment = useTemporal();
let endpoint: FakeEndpoint;
let deps: ActivityDeps & { readonly root: string };
let spec: RunSpec;
let plan: RunPlan;
let whole: string;
const jobs: RecordedJob[] = [];

/** The first instruction is never written, so that there are files of failures with a row. */
const MUTE = [0, 1, 2].map((attempt) => deriveSeed({ runSeed: 7, stage: 'extract', itemIndex: 0, sample: 0, attempt }));

beforeAll(async () => {
  endpoint = await FakeEndpoint.start({
    reply: (path, body, sample) =>
      path === 'completions' && MUTE.includes(body.seed ?? -1) ? { text: ' ' } : defaultReply(path, body, sample),
  });
  spec = smallSpec(endpoint.baseURL, ({ synthesis }) => {
    synthesis.extract.instructions = 6; // two shards
  });
  deps = testDeps({ python: fakePythonJobs(jobs) });
  await runAgain();
  plan = await deps.plans.load((await deps.plans.findRun(RUN))?.plan ?? '');
  whole = await everything();
}, 600_000);

afterAll(async () => {
  await endpoint.close();
  rmSync(deps.root, { recursive: true });
});

async function runAgain(): Promise<void> {
  await withWorkers(environment(), deps, async () => {
    await environment().client.workflow.execute(experiment, { workflowId: RUN, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
  });
}

/** All rows that the run exports. */
async function everything(): Promise<string> {
  const stages: Record<string, unknown[]> = {};
  for (const stage of EXPORT_STAGES) {
    const rows: unknown[] = [];
    for await (const part of exportStage(stage, { stages: deps.stages, plan }).parts()) rows.push(...part);
    stages[stage] = rows;
  }
  return JSON.stringify(stages);
}

async function manifestOf(address: StageAddress): Promise<StageManifest> {
  const manifest = await deps.stages.find(address, ROWS_VERSIONS[address.stage as StageName]);
  if (manifest === undefined) throw new Error(`${address.stage} is not there`);
  return manifest;
}

function fileIn(address: StageAddress, file: string): string {
  return join(deps.root, deps.stages.folder(address), file);
}

/** Flips one bit in the middle of a file. */
function damage(file: string): void {
  const data = readFileSync(file);
  data[Math.floor(data.length / 2)]! ^= 1;
  writeFileSync(file, data);
}

/** What a run did after a file was damaged. */
async function resumedRun(): Promise<{ readonly calls: number; readonly jobs: readonly string[]; readonly warnings: readonly string[] }> {
  const before = { calls: endpoint.requests.length, jobs: jobs.length };
  await runAgain();
  const { warnings } = await gatherReport({ ...deps, runId: RUN, now: new Date() });
  return { calls: endpoint.requests.length - before.calls, jobs: repeatedJobs(jobs.slice(before.jobs)), warnings };
}

/** Without the look at the weights, which every start takes. */
function repeatedJobs(made: readonly RecordedJob[]): string[] {
  return made.map(({ command }) => command).filter((command) => command !== 'weights');
}

/** What the fake takes the official weights for: the hash of their name. */
const OFFICIAL = sha256('org/target-model');

type FileName = 'rows' | 'failures' | 'calls';
const shard = (): Shard => plan.shards[0]!;

test.each<[string, FileName, () => StageAddress]>([
  ['instructions', 'rows', () => addresses.extract(plan, shard())],
  ['lost instructions', 'failures', () => addresses.extract(plan, shard())],
  ['responses', 'rows', () => addresses.respond(plan, shard(), 'other')],
  ['judgments', 'rows', () => addresses.judge(plan, shard(), 'target', 'other')],
  ['the replay set', 'rows', () => addresses.select(plan, shard())],
  ['the mixture', 'rows', () => addresses.mix(plan, 'method')],
  ['an evaluation', 'rows', () => addresses.evaluate(plan, 'method')],
])(
  'a damaged file of %s (%s) is made again without a call or a job, and the report says so',
  async (_, name, address) => {
    const stored = (await manifestOf(address()))[name];
    damage(fileIn(address(), stored?.file ?? ''));
    const { calls, jobs: repeated, warnings } = await resumedRun();
    expect(calls).toBe(0);
    expect(repeated.filter((command) => command === 'sft')).toEqual([]);
    expect(await everything()).toBe(whole);
    expect(warnings.join(' ')).toMatch(new RegExp(`found damaged and made again: .*${address().stage}`));
  },
  300_000,
);

test('a damaged manifest is set aside and its output made again from the calls', async () => {
  const address = addresses.respond(plan, shard(), 'target');
  await manifestOf(address);
  damage(fileIn(address, `manifest-v${ROWS_VERSIONS.respond}.json`));
  const { calls } = await resumedRun();
  expect(calls).toBe(0);
  expect(await everything()).toBe(whole);
  expect(await deps.store.list(deps.stages.folder(address))).toContainEqual(
    expect.stringMatching(/^manifest-v\d+\.corrupt-[0-9a-f]{12}\.json$/),
  );
}, 300_000);

test('damaged calls are not needed while their rows are whole', async () => {
  const address = addresses.judge(plan, shard(), 'other', 'target');
  damage(fileIn(address, (await manifestOf(address)).calls?.file ?? ''));
  expect(await resumedRun()).toMatchObject({ calls: 0, jobs: [] });
  expect(await everything()).toBe(whole);
}, 300_000);

test('rows and calls that are both damaged are paid for again, of that one part alone', async () => {
  const address = addresses.respond(plan, shard(), 'other');
  const { rows, calls } = await manifestOf(address);
  damage(fileIn(address, rows.file));
  damage(fileIn(address, calls?.file ?? ''));
  expect((await resumedRun()).calls).toBe(2 * 2); // two instructions of this shard were written, two samples each
  expect(await everything()).toBe(whole);
}, 300_000);

test('a damaged checkpoint is not evaluated: it is put aside, and the model trained again', async () => {
  const training = addresses.train(plan, 'method');
  damage(fileIn(training, 'job/checkpoint/model.safetensors'));
  const { inputs } = await manifestOf(addresses.evaluate(plan, 'method'));
  for (const { address } of inputs.filter(({ address: { stage } }) => stage !== 'train')) {
    rmSync(join(deps.root, deps.stages.folder(address)), { recursive: true });
  }
  const { jobs: repeated } = await resumedRun();
  expect(repeated).toEqual(['sft', ...Array<string>(plan.spec.evaluate.tasks.length).fill('evaluate')]);
  expect(readFileSync(fileIn(training, 'job/checkpoint/model.safetensors'), 'utf8')).toBe('weights');
}, 300_000);

test('a damaged file of one task is not needed while the scores of its model are whole, and is made again where they are not', async () => {
  const task = addresses.evaluateTask(plan, 'gpqa', OFFICIAL);
  damage(fileIn(task, (await manifestOf(task)).rows.file));
  expect(await resumedRun()).toMatchObject({ calls: 0, jobs: [] });
  rmSync(join(deps.root, deps.stages.folder(addresses.evaluate(plan, 'official'))), { recursive: true });
  const { jobs: repeated, warnings } = await resumedRun();
  expect(repeated).toEqual(['evaluate']);
  expect(warnings.join(' ')).toMatch(/found damaged and made again: .*evaluate-task/);
}, 300_000);

test('a damaged plan is planned again', async () => {
  const hash = (await deps.plans.findRun(RUN))?.plan ?? '';
  damage(join(deps.root, 'plans', `${hash}.json`));
  expect(await resumedRun()).toMatchObject({ calls: 0, jobs: [] });
}, 300_000);
