import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { checkSpec } from '../../cli/doctor/check-spec';
import { failureSentence } from '../../cli/terminal/failure-sentence';
import type { RunSpec } from '../../config/spec';
import { TASK_QUEUES } from '../../contract/task-queues';
import { ensurePython } from '../../services/local/python-environment';
import { createPythonJobs, type PythonJobs } from '../../services/python/python-jobs';
import { experiment } from '../../workflows';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { quietReporter, testDeps, useTemporal, withWorkers } from '../support/temporal';

const temp = useTempFolder();
const environment = useTemporal();
let endpoint: FakeEndpoint;
let real: PythonJobs;

beforeAll(async () => {
  endpoint = await FakeEndpoint.start();
  const python = await ensurePython(quietReporter);
  real = createPythonJobs({ environment: async () => await Promise.resolve(python) });
}, 900_000);

afterAll(async () => {
  await endpoint.close();
});

function specWith(...tasks: readonly string[]): RunSpec {
  return smallSpec(endpoint.baseURL, (spec) => {
    spec.variants = ['official'];
    spec.evaluate = { tasks: tasks.map((task) => ({ task })) };
  });
}

const SENTENCE = 'lm-evaluation-harness has no task helaswag. Did you mean hellaswag';

test('a run with a misspelt task fails with the nearest names, before anything is asked of a model', async () => {
  const jobs: RecordedJob[] = [];
  const fake = fakePythonJobs(jobs);
  const deps = testDeps({ python: { run: async (job) => await (job.command === 'tasks' ? real : fake).run(job) } });
  const failure = await withWorkers(
    environment(),
    deps,
    async () =>
      await environment()
        .client.workflow.execute(experiment, {
          workflowId: 'misspelt',
          taskQueue: TASK_QUEUES.orchestration,
          args: [specWith('ifeval', 'helaswag', 'arc_easy')],
        })
        .catch((error: unknown) => error),
  );
  expect(failureSentence(failure)).toContain(SENTENCE);
  expect(endpoint.requests).toEqual([]);
  expect(jobs).toEqual([]);
  rmSync(deps.root, { recursive: true });
}, 240_000);

test("names are looked up once a run, first of all, and not at all for the leaderboard's", async () => {
  const jobs: RecordedJob[] = [];
  const deps = testDeps({ python: fakePythonJobs(jobs) });
  await withWorkers(environment(), deps, async () => {
    for (const [workflowId, tasks] of [
      ['others', ['ifeval', 'arc_easy', 'hellaswag']],
      ['leaderboard', ['ifeval']],
    ] as const) {
      await environment().client.workflow.execute(experiment, {
        workflowId,
        taskQueue: TASK_QUEUES.orchestration,
        args: [specWith(...tasks)],
      });
    }
  });
  expect(jobs[0]).toMatchObject({ command: 'tasks', spec: { tasks: ['arc_easy', 'hellaswag'] } });
  expect(jobs.filter(({ command }) => command === 'tasks')).toHaveLength(1);
  rmSync(deps.root, { recursive: true });
}, 240_000);

test('doctor --spec finds it too', async () => {
  const file = join(temp(), 'spec.yaml');
  writeFileSync(file, stringify(specWith('helaswag')));
  const { findings } = await checkSpec(file);
  expect(findings.filter(({ check }) => check === 'tasks')).toEqual([
    { check: 'tasks', state: 'fail', message: expect.stringContaining(SENTENCE) as string, fix: 'correct evaluate.tasks in the spec' },
  ]);
}, 240_000);
