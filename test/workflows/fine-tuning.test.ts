import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { WorkflowFailedError, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { collectProgress } from '../../cli/progress/run-reader';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import { controlQuery, pauseUpdate, resumeUpdate, setBudgetUpdate } from '../../contract/control';
import { QUEUE_NAMES, TASK_QUEUES, type QueueName } from '../../contract/task-queues';
import type { StoredOutput } from '../../services/store/stored-output';
import type { FineTuningResult } from '../../stages/fine-tuning-result';
import { type LossRow, trainStage } from '../../stages/train';
import { experiment } from '../../workflows';
import { pendingActivities, standstill, until } from '../support/control';
import { FakeEndpoint } from '../support/fake-endpoint';
import { FakeFineTuning, type FakeFineTuningOptions } from '../support/fake-fine-tuning';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const KEY = 'sk-test-key-of-nobody';
const ENV = { CLOSED_KEY: KEY };

/** One store and one endpoint for all tests: the synthesis is made once, each training is another. */
const root = mkdtempSync(join(tmpdir(), 'rehearse-test-'));
const environment = useTemporal();
let endpoint: FakeEndpoint;
let provider: FakeFineTuning;

beforeAll(async () => {
  endpoint = await FakeEndpoint.start();
}, 600_000);

afterAll(async () => {
  await endpoint.close();
  rmSync(root, { recursive: true });
});

afterEach(async () => {
  await provider.close();
});

/** A run that fine-tunes a closed model. `epochs` tells the trainings of the tests apart. */
async function closedRun(
  epochs: number,
  options: FakeFineTuningOptions,
  change: (spec: RunSpecInput) => void = () => undefined,
): Promise<RunSpec> {
  provider = await FakeFineTuning.start({ apiKey: KEY, ...options });
  return smallSpec(endpoint.baseURL, (spec) => {
    spec.models['closed'] = {
      baseURL: provider.baseURL,
      id: 'closed-base',
      model: 'gpt-base',
      apiKeyEnv: 'CLOSED_KEY',
      price: { inputUsdPerMillion: 1, outputUsdPerMillion: 2, trainingUsdPerMillion: 25 },
    };
    spec.target = { model: 'target' };
    spec.train = { backend: 'openai', openai: { model: 'closed', epochs, pollSeconds: 1 } };
    spec.evaluate = { backend: 'openai', tasks: [{ task: 'ifeval' }] };
    spec.variants = ['method'];
    change(spec);
  });
}

async function start(runId: string, spec: RunSpec): Promise<WorkflowHandleWithFirstExecutionRunId<typeof experiment>> {
  return await environment().client.workflow.start(experiment, { workflowId: runId, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
}

async function withDeps<T>(
  body: (deps: ReturnType<typeof testDeps>) => Promise<T>,
  queues: readonly QueueName[] = QUEUE_NAMES,
  jobs: RecordedJob[] = [],
): Promise<T> {
  const deps = { ...testDeps({ python: fakePythonJobs(jobs), root }), env: ENV };
  return await withWorkers(environment(), deps, async () => await body(deps), queues);
}

async function training({ plans, stages }: ReturnType<typeof testDeps>, runId: string): Promise<StoredOutput<LossRow> | undefined> {
  const plan = await plans.load((await plans.findRun(runId))?.plan ?? '');
  return await stages.latest(trainStage.at(plan, 'method'));
}

/** Why a run failed, the innermost sentence. */
async function reasonOf(result: Promise<unknown>): Promise<string> {
  let error: unknown = await result.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  while (error instanceof Error && error.cause instanceof Error) error = error.cause;
  return (error as Error).message;
}

const jobCreations = (): number => provider.requests.filter((request) => request === 'POST fine_tuning/jobs').length;

test('a closed model is fine-tuned by its provider: its progress is seen, its outcome kept, and nothing is asked for twice', async () => {
  const spec = await closedRun(1, { looksUntilDone: Infinity });
  await withDeps(async (deps) => {
    const handle = await start('closed', spec);
    const row = await until(async () => {
      const { rows, warnings } = await collectProgress(environment().client, 'closed');
      expect(warnings.filter((warning) => warning.includes('FineTuning'))).toEqual([]); // a look that finds the job at work is no fault
      return rows?.find(({ stage, note }) => stage === 'train' && note?.startsWith('training'));
    });
    expect(row).toMatchObject({
      model: 'method',
      state: 'running',
      total: 6,
      note: expect.stringMatching(/^training, loss 1\.\d{3}$/) as string,
    });
    provider.looksUntilDone = 0;
    await handle.result();

    const trained = await training(deps, 'closed');
    expect(trained?.manifest.detail).toMatchObject({
      kind: 'fine-tuning',
      job: 'ftjob-1',
      baseModel: 'gpt-base',
      model: 'ft:gpt-base:org:rehearse:ftjob-1',
      hyperparameters: { epochs: 1 },
      steps: 6,
      examples: 10,
      trainedTokens: 1_234,
      usd: 0.03085,
      seconds: 600,
      checkpoints: [{ step: 3, model: 'ft:gpt-base:org:rehearse:ftjob-1:ckpt-step-3' }, { step: 6 }],
    } satisfies { [K in keyof FineTuningResult]?: unknown });
    expect(await deps.stages.readRows(trained!)).toHaveLength(6);
    expect(trained?.manifest.files?.map(({ file }) => file)).toEqual(['fine-tuning/events/events.jsonl']);
    const report = (await deps.store.read('runs/closed/report/report.md'))?.toString('utf8');
    expect(report).toContain('Fine-tuned by its provider, in the job ftjob-1: 6 steps');
    expect(report).toContain('ft:gpt-base:org:rehearse:ftjob-1');
    const { events } = await environment().client.workflow.getHandle('closed/variant-method').fetchHistory();
    expect(events?.length).toBeLessThan(110); // a look at the job adds nothing
    expect(JSON.stringify(events)).not.toContain(KEY);

    const before = provider.requests.length;
    await (await start('closed-again', spec)).result();
    expect(provider.requests).toHaveLength(before);
  });
  expect(jobCreations()).toBe(1);
}, 240_000);

test('a worker that is killed while it creates the job leaves one job, which the next worker finds', async () => {
  const spec = await closedRun(2, {
    faultOf: (request, number) => (request === 'POST fine_tuning/jobs' && number === 1 ? 'done-then-silence' : undefined),
  });
  await withDeps(
    async (deps) => {
      const created = provider.once('POST fine_tuning/jobs');
      const script = `require(${JSON.stringify(resolve('cli/main.ts'))}).main(['worker', '--queue', 'llm']);`;
      const worker = spawn(process.execPath, ['-r', resolve('test/support/ts-hook.cjs'), '-e', script], {
        stdio: 'ignore',
        env: { ...process.env, ...ENV, REHEARSE_STORE: root, REHEARSE_HOME: root, TEMPORAL_ADDRESS: environment().address },
      });
      const handle = await start('killed', spec);
      await created;
      worker.kill('SIGKILL');
      await once(worker, 'close');
      await withWorkers(environment(), deps, async () => await handle.result(), ['llm']);
      expect((await training(deps, 'killed'))?.manifest.detail).toMatchObject({ job: 'ftjob-1' });
    },
    ['orchestration', 'cpu', 'gpu'],
  );
  expect(jobCreations()).toBe(1);
}, 240_000);

test('a pause leaves the job alone; a cancelled run cancels it, and the next start makes a new one', async () => {
  const spec = await closedRun(3, { looksUntilDone: Infinity });
  await withDeps(async () => {
    const handle = await start('cancelled', spec);
    const looking = async (): Promise<true | undefined> =>
      (await pendingActivities(environment(), 'cancelled')).includes('awaitFineTuning') ? true : undefined;
    await until(looking);
    await handle.executeUpdate(pauseUpdate, { args: [{}] });
    await standstill(environment(), 'cancelled');
    expect(provider.jobs[0]?.status).not.toBe('cancelled');
    await handle.executeUpdate(resumeUpdate);
    await until(looking);

    await handle.cancel();
    const end = await handle.result().catch((error: unknown) => error);
    expect((end as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
    expect(provider.jobs.map(({ status }) => status)).toEqual(['cancelled']);

    provider.looksUntilDone = 0;
    await (await start('cancelled', spec)).result();
    expect(provider.jobs.map(({ status }) => status)).toEqual(['cancelled', 'succeeded']);
  });
}, 240_000);

test('a job that fails ends the run with the words of its provider, and is not made again until somebody resumes', async () => {
  const spec = await closedRun(4, {
    looksUntilDone: 0,
    failJobs: { code: 'invalid_training_file', message: 'The job failed: 3 examples were flagged by moderation.' },
  });
  await withDeps(async () => {
    expect(await reasonOf((await start('failed', spec)).result())).toBe(
      `the fine-tuning job ftjob-1 of model "closed" at ${provider.baseURL} failed (invalid_training_file): The job failed: 3 examples were flagged by moderation.; fix that and resume the run, which creates a new job`,
    );
  });
  expect(jobCreations()).toBe(1);
}, 240_000);

test('a provider of which every first request fails only costs time', async () => {
  const spec = await closedRun(5, {
    faultOf: (request, number) =>
      number > 1 ? undefined : { status: request === 'POST fine_tuning/jobs' ? 429 : 500, headers: { 'retry-after-ms': '20' } },
  });
  await withDeps(async (deps) => {
    await (await start('flaky', spec)).result();
    expect((await training(deps, 'flaky'))?.manifest.detail).toMatchObject({ kind: 'fine-tuning' });
  });
  expect(provider.jobs.filter(({ status }) => status === 'succeeded')).toHaveLength(1);
}, 240_000);

test('a training that would cost more than it may is not sent', async () => {
  const spec = await closedRun(6, {}, (draft) => (draft.train!.openai!.maxUsd = 0.001));
  await withDeps(async () => {
    expect(await reasonOf((await start('dear', spec)).result())).toMatch(
      /^the fine-tuning job is estimated to cost \$0\.\d\d, more than train\.openai\.maxUsd, \$0\.00; raise it, or lower epochs or mix\.maxExamples$/,
    );
  });
  expect(provider.files).toEqual([]);
}, 240_000);

test('a training that the budget does not cover is not ordered before somebody raises it; what it has cost is booked, and counts for later runs', async () => {
  const spec = await closedRun(8, { looksUntilDone: 0 }, (draft) => {
    for (const name of ['target', 'other']) draft.models[name]!.price = { inputUsdPerMillion: 0, outputUsdPerMillion: 0 };
    draft.budget = { usd: 0.01 };
  });
  await withDeps(async () => {
    const handle = await start('short', spec);
    const paused = await until(async () => {
      const state = await handle.query(controlQuery);
      return state.paused ? state : undefined;
    });
    expect(paused).toMatchObject({ pausedBy: 'budget', spent: { usd: 0 } });
    expect(paused.reason).toMatch(
      /^the budget of \$0\.010 does not cover the training of method: \$0\.00 is spent, and the fine-tuning job is estimated to cost \$0\.\d+$/,
    );
    await handle.executeUpdate(resumeUpdate); // without another budget it is as before
    await until(async () => ((await handle.query(controlQuery)).paused ? true : undefined));
    expect(provider.files).toEqual([]);

    await handle.executeUpdate(setBudgetUpdate, { args: [{ usd: 5 }] });
    await handle.result();
    expect((await handle.query(controlQuery)).spent.usd).toBeCloseTo(0.03085); // billed, not estimated
    expect(jobCreations()).toBe(1);

    // It is paid for, so a run that finds it needs nothing more, whatever its budget.
    const again = await start('short-again', spec);
    await again.result();
    expect((await again.query(controlQuery)).spent.usd).toBeCloseTo(0.03085);
    expect(jobCreations()).toBe(1);
  });
}, 240_000);

test('what a provider has trained is evaluated through its API, and so is the model that it began with', async () => {
  const spec = await closedRun(7, { looksUntilDone: 0 }, (draft) => {
    draft.variants = ['official', 'method'];
    draft.evaluate = { backend: 'openai', tasks: [{ task: 'ifeval' }] };
  });
  const jobs: RecordedJob[] = [];
  await withDeps(
    async () => {
      const result = await (await start('measured', spec)).result();
      expect(result.variants.map(({ variant, scores }) => [variant, Object.keys(scores)])).toEqual([
        ['official', ['ifeval']],
        ['method', ['ifeval']],
      ]);
    },
    QUEUE_NAMES,
    jobs,
  );
  const endpoints = jobs.map(({ command, spec: { weights, endpoint: asked } }) => ({ command, weights, asked }));
  const asked = (model: string) => ({ baseURL: provider.baseURL, model, apiKeyEnv: 'CLOSED_KEY', chat: true });
  expect(endpoints).toHaveLength(2);
  expect(endpoints).toEqual(
    expect.arrayContaining([
      { command: 'evaluate', weights: null, asked: asked('gpt-base') },
      { command: 'evaluate', weights: null, asked: asked('ft:gpt-base:org:rehearse:ftjob-1') },
    ]),
  );
}, 240_000);
