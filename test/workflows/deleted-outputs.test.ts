import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { ActivityDeps } from '../../activities/deps';
import type { RunSpec } from '../../config/spec';
import { TASK_QUEUES } from '../../contract/task-queues';
import { resultSchemaOf } from '../../services/python/python-commands';
import type { PythonJobs } from '../../services/python/python-jobs';
import type { StageManifest } from '../../services/store/stage-store';
import { experiment } from '../../workflows';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { defaultReply } from '../support/fake-replies';
import { smallSpec } from '../support/small-spec';
import { startTemporal, testDeps, withWorkers } from '../support/temporal';

/** A stage output by its folder below `stages`: STAGE/KEY/PART. */
type Outputs = ReadonlyMap<string, StageManifest>;

const RUN = 'deleted';
const jobs: RecordedJob[] = [];
/** Changes what the model "other" answers, and what a training makes. */
const salt = { responses: '', training: '' };

let environment: TestWorkflowEnvironment;
let endpoint: FakeEndpoint;
let deps: ActivityDeps & { readonly root: string };
let spec: RunSpec;
let working: Promise<void>;
let stopWorking = (): void => undefined;

beforeAll(async () => {
  environment = await startTemporal();
  endpoint = await FakeEndpoint.start({
    reply: (path, body, sample) => {
      const plain = defaultReply(path, body, sample);
      if (salt.responses === '') return plain;
      if (JSON.stringify(body.messages ?? '').includes(salt.responses)) return { text: 'Much better.\n\nScore: 5' }; // a judge, of a changed answer
      return body.model === 'other' && !plain.text.includes('Score:') ? { text: `${plain.text} ${salt.responses}` } : plain;
    },
  });
  spec = smallSpec(endpoint.baseURL, (input) => {
    input.variants = ['official', 'method', 'first-response', 'ultrachat', 'new-data-only'];
    input.synthesis.quality = { length: { minWords: 1 } };
    input.mix!.holdOut = { replay: 1, new: 1 };
  });
  deps = testDeps({ python: faithfulJobs() });
  // One set of workers for all runs of this file: starting them takes longer than a run.
  working = withWorkers(environment, deps, async () => await new Promise<void>((resolve) => (stopWorking = resolve)));
  await runAgain();
}, 600_000);

afterAll(async () => {
  stopWorking();
  await working;
  await endpoint.close();
  await environment.teardown();
  rmSync(deps.root, { recursive: true });
});

/** The fake jobs, with weights and losses that follow from the mixture, as those of a real training do. */
function faithfulJobs(): PythonJobs {
  const fake = fakePythonJobs(jobs);
  return {
    async run(request) {
      const result = await fake.run(request);
      if (!('mixture' in request.spec)) return result;
      const content = createHash('sha256').update(readFileSync(request.spec.mixture)).update(salt.training).digest('hex');
      const { checkpointDir, lossCurve } = result as unknown as { checkpointDir: string; lossCurve: { loss: number }[] };
      writeFileSync(join(checkpointDir, 'model.safetensors'), content);
      return resultSchemaOf(request.command).parse({
        ...result,
        weightsSha256: content,
        lossCurve: lossCurve.map((step) => ({ ...step, loss: parseInt(content.slice(0, 6), 16) / 2 ** 24 })),
      });
    },
  };
}

async function runAgain(): Promise<void> {
  await environment.client.workflow.execute(experiment, { workflowId: RUN, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
}

/** Every output in the store. */
function outputs(): Outputs {
  const root = join(deps.root, 'stages');
  const manifests = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => /\/manifest-v\d+\.json$/.test(path));
  return new Map(
    manifests.map((path) => [
      path.replace(/\/manifest-v\d+\.json$/, ''),
      JSON.parse(readFileSync(join(root, path), 'utf8')) as StageManifest,
    ]),
  );
}

interface Rerun {
  readonly before: Outputs;
  readonly after: Outputs;
  /** Outputs that were written. */
  readonly made: readonly string[];
  readonly requests: number;
  readonly jobs: readonly string[];
}

/** Deletes an output and runs the same spec again. */
async function without(output: string): Promise<Rerun> {
  const before = outputs();
  const counted = { requests: endpoint.requests.length, jobs: jobs.length };
  rmSync(join(deps.root, 'stages', output), { recursive: true });
  await runAgain();
  const after = outputs();
  return {
    before,
    after,
    made: [...after]
      .filter(([name, { checksum }]) => before.get(name)?.checksum !== checksum)
      .map(([name]) => name)
      .sort(),
    requests: endpoint.requests.length - counted.requests,
    jobs: jobs.slice(counted.jobs).map(({ command }) => command),
  };
}

/** The first output of a stage, as the folders' names sort. */
function firstOf(stage: string): string {
  const found = [...outputs().keys()].filter((name) => name.startsWith(`${stage}/`)).sort()[0];
  if (found === undefined) throw new Error(`nothing of ${stage} is in the store`);
  return found;
}

const stageOf = (output: string): string => output.split('/')[0]!;

/** Job of each stage that has one. */
const JOBS: Readonly<Record<string, string>> = {
  train: 'sft',
  evaluate: 'evaluate',
  'evaluate-task': 'evaluate',
  'evaluate-loss': 'evaluate',
};

test('the store holds every stage of such a run', () => {
  const stages = new Set([...outputs().keys()].map(stageOf));
  expect([...stages]).toEqual(
    expect.arrayContaining(['extract', 'filter', 'respond', 'judge', 'select', 'holdout', 'replay', 'mix', 'train', 'evaluate']),
  );
});

test('any one output, deleted, is made again as it was, and nothing else is: no other call, no other job', async () => {
  const stages = [...new Set([...outputs().keys()].map(stageOf))].sort();
  for (const stage of stages) {
    const output = firstOf(stage);
    const { before, after, made, requests, jobs: repeated } = await without(output);
    const [was, is] = [before.get(output)!, after.get(output)!];
    expect([stage, made]).toEqual([stage, [output]]);
    expect([stage, is.rows.sha256]).toEqual([stage, was.rows.sha256]);
    expect([stage, requests]).toEqual([stage, was.stats.requests]);
    // What puts finished tasks together needs no job; a data set is drawn by one.
    const expected = stage === 'evaluate' && stages.includes('evaluate-task') ? [] : JOBS[stage] === undefined ? [] : [JOBS[stage]];
    expect([stage, repeated.filter((command) => command !== 'weights' && command !== 'datasets')]).toEqual([stage, expected]);
  }
}, 600_000);

/** An output is recomputed exactly when it was deleted or one of the contents that it was made from is another now. */
function expectDependentsAlone({ before, after, made }: Rerun, deleted: string): void {
  const needed = [...before]
    .filter(
      ([name, { inputs }]) =>
        name === deleted ||
        inputs.some(({ address: { stage, key, part }, sha256 }) => after.get(`${stage}/${key}/${part}`)!.rows.sha256 !== sha256),
    )
    .map(([name]) => name);
  expect(made.filter((name) => before.has(name))).toEqual(needed.sort());
  // Outputs under new keys are those of models whose weights are others now; each went into something that was recomputed.
  const used = new Set(
    made.flatMap((name) => after.get(name)!.inputs.map(({ address: { stage, key, part } }) => `${stage}/${key}/${part}`)),
  );
  expect(made.filter((name) => !before.has(name) && !used.has(name))).toEqual([]);
}

test('when it comes out different, what depends on it is recomputed, through all stages, and nothing else', async () => {
  salt.responses = 'PLUS';
  const other = [...outputs()].find(
    ([name, { stats, rows }]) => stageOf(name) === 'respond' && stats.requests > rows.rows / 2 && rows.rows > 2,
  )![0];
  const rerun = await without(other);
  expectDependentsAlone(rerun, other);
  const stages = rerun.made.map(stageOf);
  expect(new Set(stages)).toEqual(new Set([...stages, 'respond', 'judge', 'select', 'holdout', 'mix', 'train', 'evaluate']));
  expect(stages.filter((stage) => ['extract', 'filter'].includes(stage))).toEqual([]);
  expect(stages.filter((stage) => stage === 'respond')).toHaveLength(1);
  expect(stages.filter((stage) => stage === 'judge')).toHaveLength(2); // two judges of that shard's answers by that model
  expect(stages.filter((stage) => stage === 'select')).toHaveLength(1);
}, 300_000);

test('a training that comes out different is evaluated again, that variant alone', async () => {
  salt.training = 'another machine';
  const training = firstOf('train');
  const rerun = await without(training);
  expectDependentsAlone(rerun, training);
  expect(rerun.requests).toBe(0);
  expect(rerun.made.map(stageOf).filter((stage) => stage === 'train' || stage === 'evaluate')).toEqual(['evaluate', 'train']);
}, 300_000);
