import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActivityDeps } from '../../activities/deps';
import type { RunSpec } from '../../config/spec';
import { TASK_QUEUES } from '../../contract/task-queues';
import { writeReportFiles } from '../../report/write-report';
import { PythonJobError, type PythonJobs } from '../../services/python/python-jobs';
import { openStore } from '../../services/runs/open-store';
import { experiment } from '../../workflows';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { quietReporter, testDeps, useTemporal, withWorkers } from '../support/temporal';
import { S3Server } from '../support/versitygw';

const environment = useTemporal();
let server: S3Server;
const endpoint = useFakeEndpoint({ latencyMs: 10 });
const machines: string[] = [];

beforeAll(async () => {
  server = await S3Server.start(quietReporter);
  Object.assign(process.env, server.env);
}, 600_000);

afterAll(async () => {
  await server.close();
  for (const folder of machines) rmSync(folder, { recursive: true, force: true });
});

interface Machine {
  readonly folder: string;
  readonly deps: ActivityDeps;
  readonly jobs: RecordedJob[];
}

/** What a worker on a machine of its own has: the bucket, and a disk that nobody else sees. */
function machine(
  prefix: string,
  { draining, python }: { readonly draining?: AbortSignal; readonly python?: (jobs: PythonJobs) => PythonJobs } = {},
): Machine {
  const folder = mkdtempSync(join(tmpdir(), 'rehearse-machine-'));
  machines.push(folder);
  const jobs: RecordedJob[] = [];
  const fake = fakePythonJobs(jobs);
  const opened = openStore(`s3://${server.bucket}/${prefix}`, { workFolder: folder });
  return {
    folder,
    jobs,
    deps: testDeps({ python: python === undefined ? fake : python(fake), opened, ...(draining === undefined ? {} : { draining }) }),
  };
}

async function start(runId: string, spec: RunSpec) {
  return await environment().client.workflow.start(experiment, { workflowId: runId, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
}

test('workers on two machines do one run together in a bucket: one calls the models, the other selects, mixes and trains', async () => {
  const [a, b] = [machine('together'), machine('together')];
  const spec = smallSpec(endpoint().baseURL);
  await withWorkers(
    environment(),
    a.deps,
    async () => {
      await withWorkers(
        environment(),
        b.deps,
        async () => {
          const result = await (await start('together', spec)).result();
          expect(result.replayRows).toBe(8);
          expect(result.report).toBe('s3://runs/together/runs/together/report/report.html');
        },
        ['cpu', 'gpu'],
      );
    },
    ['orchestration', 'llm'],
  );
  expect(endpoint().requests).toHaveLength(96);
  expect(endpoint().paidTwice()).toHaveLength(0);
  expect(b.jobs.map(({ command }) => command).sort()).toEqual([...Array<string>(8).fill('evaluate'), 'sft', 'weights']);

  // Whoever has the bucket has the run.
  const { store, stages, plans } = openStore(`s3://${server.bucket}/together`);
  const html = await store.read('runs/together/report/report.html');
  expect(html?.toString()).toContain('<html');
  const report = await writeReportFiles({ store, stages, plans, runId: 'together', now: new Date(), folder: join(a.folder, 'report') });
  expect(report.finished).toBe(true);
}, 240_000);

test('when a machine drains in the middle and is lost, another goes on with its journal and with its checkpoint', async () => {
  const draining = new AbortController();
  const first = machine('lost', { draining: draining.signal });
  const spec = smallSpec(endpoint().baseURL);
  const handle = await withWorkers(environment(), first.deps, async () => {
    const started = await start('lost', spec);
    await endpoint().received(20);
    draining.abort();
    return started;
  });
  expect(endpoint().requests.length).toBeLessThan(96);
  rmSync(first.folder, { recursive: true });

  let evaluations = 0;
  const second = machine('lost', {
    python: (jobs) => ({
      run: async (job) => {
        if (job.command === 'evaluate' && 'weights' in job.spec && job.spec.weights?.startsWith(second.folder)) {
          evaluations++;
          throw new PythonJobError('missing_gpu', 'this machine cannot evaluate; use another');
        }
        return await jobs.run(job);
      },
    }),
  });
  await withWorkers(environment(), second.deps, async () => {
    await expect(handle.result()).rejects.toThrow('Workflow execution failed');
  });
  expect(evaluations).toBe(4); // each task to its end, whatever becomes of the others
  expect(second.jobs.map(({ command }) => command).sort()).toEqual([...Array<string>(4).fill('evaluate'), 'sft', 'weights']);
  rmSync(second.folder, { recursive: true });

  const third = machine('lost');
  await withWorkers(environment(), third.deps, async () => {
    expect((await (await start('lost', spec)).result()).replayRows).toBe(8);
  });
  expect(third.jobs.map(({ command }) => command).sort()).toEqual([...Array<string>(4).fill('evaluate'), 'weights']);
  const weights = String(third.jobs.find(({ command }) => command === 'evaluate')?.spec['weights']);
  expect(weights.startsWith(third.folder)).toBe(true);
  expect(existsSync(join(weights, 'tokenizer', 'tokenizer.json'))).toBe(true);
  expect(endpoint().requests).toHaveLength(96);
  expect(endpoint().paidTwice()).toHaveLength(0);
}, 240_000);
