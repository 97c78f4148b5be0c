import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActivityDeps } from '../../activities/deps';
import type { RunSpec } from '../../config/spec';
import { TASK_QUEUES } from '../../contract/task-queues';
import { exportStage, EXPORT_STAGES } from '../../export/export-rows';
import { deriveSeed } from '../../method/seeds';
import { gatherReport } from '../../report/gather/report-data';
import type { StageManifest } from '../../services/store/stage-store';
import { evaluateStage } from '../../stages/evaluate';
import { evaluateTaskStage } from '../../stages/evaluate-task';
import { extractStage } from '../../stages/extract';
import { judgeStage } from '../../stages/judge';
import { mixStage } from '../../stages/mix';
import { type Shard } from '../../stages/planned';
import { respondStage } from '../../stages/respond';
import { type RunPlan } from '../../stages/run-plan';
import { selectStage } from '../../stages/select';
import { sha256 } from '../../stages/sha256';
import type { OutputRef } from '../../stages/stage';
import { trainStage } from '../../stages/train';
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

async function manifestOf(output: OutputRef): Promise<StageManifest> {
  const manifest = await deps.stages.findManifest(output);
  if (manifest === undefined) throw new Error(`${output.stage.name} is not there`);
  return manifest;
}

function folderOf({ address }: OutputRef): string {
  return deps.stages.folder(address);
}

function fileIn(output: OutputRef, file: string): string {
  return join(deps.root, folderOf(output), file);
}

/** Flips one bit in the middle of a file. */
function damage(file: string): void {
  const data = readFileSync(file);
  data[Math.floor(data.length / 2)]! ^= 1;
  writeFileSync(file, data);
}

/** What a run did after a file was damaged. */
async function repaired(): Promise<{ readonly calls: number; readonly jobs: readonly string[]; readonly warnings: readonly string[] }> {
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

test.each<[string, FileName, () => OutputRef]>([
  ['instructions', 'rows', () => extractStage.at(plan, shard())],
  ['lost instructions', 'failures', () => extractStage.at(plan, shard())],
  ['responses', 'rows', () => respondStage.at(plan, shard(), 'other')],
  ['judgments', 'rows', () => judgeStage.at(plan, shard(), 'target', 'other')],
  ['the replay set', 'rows', () => selectStage.at(plan, shard())],
  ['the mixture', 'rows', () => mixStage.at(plan, 'method')],
  ['an evaluation', 'rows', () => evaluateStage.at(plan, 'method')],
])(
  'a damaged file of %s (%s) is made again without a call or a job, and the report says so',
  async (_, name, output) => {
    const stored = (await manifestOf(output()))[name];
    damage(fileIn(output(), stored?.file ?? ''));
    const { calls, jobs: repeated, warnings } = await repaired();
    expect(calls).toBe(0);
    expect(repeated.filter((command) => command === 'sft')).toEqual([]);
    expect(await everything()).toBe(whole);
    expect(warnings.join(' ')).toMatch(new RegExp(`found damaged and made again: .*${output().stage.name}`));
  },
  300_000,
);

test('a damaged manifest is set aside and its output made again from the calls', async () => {
  const output = respondStage.at(plan, shard(), 'target');
  await manifestOf(output);
  damage(fileIn(output, `manifest-v${respondStage.rowsVersion}.json`));
  const { calls } = await repaired();
  expect(calls).toBe(0);
  expect(await everything()).toBe(whole);
  expect(await deps.store.list(folderOf(output))).toContainEqual(expect.stringMatching(/^manifest-v\d+\.corrupt-[0-9a-f]{12}\.json$/));
}, 300_000);

test('damaged calls are missed by nobody while their rows are whole', async () => {
  const output = judgeStage.at(plan, shard(), 'other', 'target');
  damage(fileIn(output, (await manifestOf(output)).calls?.file ?? ''));
  expect(await repaired()).toMatchObject({ calls: 0, jobs: [] });
  expect(await everything()).toBe(whole);
}, 300_000);

test('rows and calls that are both damaged are paid for again, of that one part alone', async () => {
  const output = respondStage.at(plan, shard(), 'other');
  const { rows, calls } = await manifestOf(output);
  damage(fileIn(output, rows.file));
  damage(fileIn(output, calls?.file ?? ''));
  expect((await repaired()).calls).toBe(2 * 2); // two instructions of this shard were written, two samples each
  expect(await everything()).toBe(whole);
}, 300_000);

test('a damaged checkpoint is not evaluated: it is put aside, and the model trained again', async () => {
  const training = trainStage.at(plan, 'method');
  damage(fileIn(training, 'job/checkpoint/model.safetensors'));
  const { inputs } = await manifestOf(evaluateStage.at(plan, 'method'));
  for (const { address } of inputs.filter(({ address: { stage } }) => stage !== 'train')) {
    rmSync(join(deps.root, deps.stages.folder(address)), { recursive: true });
  }
  const { jobs: repeated } = await repaired();
  expect(repeated).toEqual(['sft', ...Array<string>(plan.spec.evaluate.tasks.length).fill('evaluate')]);
  expect(readFileSync(fileIn(training, 'job/checkpoint/model.safetensors'), 'utf8')).toBe('weights');
}, 300_000);

test('a damaged file of one task is missed by nobody while the scores of its model are whole, and is made again where they are not', async () => {
  const task = evaluateTaskStage.at(plan, 'gpqa', OFFICIAL);
  damage(fileIn(task, (await manifestOf(task)).rows.file));
  expect(await repaired()).toMatchObject({ calls: 0, jobs: [] });
  rmSync(join(deps.root, folderOf(evaluateStage.at(plan, 'official'))), { recursive: true });
  const { jobs: repeated, warnings } = await repaired();
  expect(repeated).toEqual(['evaluate']);
  expect(warnings.join(' ')).toMatch(/found damaged and made again: .*evaluate-task/);
}, 300_000);

test('a damaged plan is planned anew', async () => {
  const hash = (await deps.plans.findRun(RUN))?.plan ?? '';
  damage(join(deps.root, 'plans', `${hash}.json`));
  expect(await repaired()).toMatchObject({ calls: 0, jobs: [] });
}, 300_000);
