import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection, WorkflowNotFoundError, type WorkflowClientInterceptor } from '@temporalio/client';
import type { ActivityDeps } from '../../../activities/deps';
import { watchRun, type WatchedRun, type WatchOptions } from '../../../cli/progress/live-view';
import { collectProgress, RunReader, type RunProgress } from '../../../cli/progress/run-reader';
import { storedProgress } from '../../../cli/progress/stored-progress';
import { queuePollers } from '../../../cli/server/queue-pollers';
import { CliError } from '../../../cli/terminal/errors';
import { TASK_QUEUES } from '../../../contract/task-queues';
import { PythonJobError, type PythonJobs } from '../../../services/python/python-jobs';
import { experiment } from '../../../workflows';
import { Detour } from '../../support/detour';
import { useFakeEndpoint } from '../../support/fake-endpoint';
import { fakePythonJobs } from '../../support/fake-python-jobs';
import { smallSpec } from '../../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../../support/temporal';

const LOOK_MS = 50;

const environment = useTemporal();
const endpoint = useFakeEndpoint();
let deps: ActivityDeps & { readonly root: string };

beforeEach(async () => {
  deps = testDeps({ python: fakePythonJobs() });
});

afterEach(async () => {
  rmSync(deps.root, { recursive: true });
});

async function start(runId: string): Promise<void> {
  await environment().client.workflow.start(experiment, {
    workflowId: runId,
    taskQueue: TASK_QUEUES.orchestration,
    args: [smallSpec(endpoint().baseURL)],
  });
}

/** Looks until what is seen is as wished; jest's own limit ends a look in vain. */
async function progressWhen(runId: string, wished: (progress: RunProgress) => boolean): Promise<RunProgress> {
  for (;;) {
    const progress = await collectProgress(environment().client, runId);
    if (wished(progress)) return progress;
    await pause(LOOK_MS);
  }
}

async function watch(runId: string, options: Partial<WatchOptions> = {}): Promise<{ readonly end: WatchedRun; readonly shown: string }> {
  const stream = new Gathered();
  const end = await watchRun({
    client: environment().client,
    runId,
    stream,
    isTty: false,
    signal: new AbortController().signal,
    pollMs: LOOK_MS,
    ...options,
  });
  return { end, shown: stream.shown };
}

/** Gathers what is written to it. */
class Gathered extends PassThrough {
  shown = '';

  constructor() {
    super({ encoding: 'utf8' });
    this.on('data', (text: string) => (this.shown += text));
  }

  /** Returns once this text was written. */
  async has(wanted: string): Promise<void> {
    while (!this.shown.includes(wanted)) await once(this, 'data');
  }
}

const row = (progress: RunProgress, stage: string) => progress.rows?.find((each) => each.stage === stage);

test('counts the calls of batches in work before any of them has ended, and ends with the counts of the store', async () => {
  endpoint().hold();
  await withWorkers(environment(), deps, async () => {
    await start('counted');
    await endpoint().received(4); // the endpoint's limit
    const waiting = await progressWhen('counted', (progress) => row(progress, 'extract')?.state === 'running');
    expect(row(waiting, 'extract')).toMatchObject({ model: 'target', done: 0, total: 8 });
    expect(waiting).toMatchObject({ status: 'RUNNING', target: 'target', closedAt: null, warnings: [] });

    endpoint().release();
    endpoint().hold();
    const four = await progressWhen('counted', (progress) => (row(progress, 'extract')?.done ?? 0) >= 4);
    expect(row(four, 'extract')).toMatchObject({ done: 4, total: 8, state: 'running' });
    expect(row(four, 'extract')?.completionTokens).toBeGreaterThan(0);
    expect(row(four, 'train')).toMatchObject({ state: 'waiting', done: 0 });

    endpoint().release();
    const { end } = await watch('counted');
    expect(end).toMatchObject({ status: 'COMPLETED', result: { runId: 'counted', replayRows: 8 } });
    const last = await collectProgress(environment().client, 'counted');
    expect(last.stage).toBe('done');
    const record = await deps.plans.findRun('counted');
    const stored = await storedProgress(deps.stages, await deps.plans.load(record?.plan ?? ''));
    const counts = ({ stage, model, done, total, failed, promptTokens, completionTokens, state }: (typeof stored)[number]) => ({
      stage,
      model,
      done,
      total,
      failed,
      promptTokens,
      completionTokens,
      state,
    });
    expect(last.rows?.filter(({ stage }) => stage !== 'report').map(counts)).toEqual(stored.map(counts));
  });
});

test('asks the open shards in turn: many of them cost a look no more than a few', async () => {
  const asked: string[] = [];
  const workflow: WorkflowClientInterceptor = {
    describe: async (input, next) => {
      asked.push(input.workflowExecution.workflowId);
      return await next(input);
    },
  };
  const client = new Client({ connection: environment().connection, interceptors: { workflow: [workflow] } });
  const shards = (): string[] => asked.splice(0).filter((id) => id.includes('/shard-'));
  endpoint().hold();
  await withWorkers(environment(), deps, async () => {
    const spec = smallSpec(endpoint().baseURL, ({ synthesis }) => Object.assign(synthesis, { shardSize: 1, concurrentShards: 8 }));
    await environment().client.workflow.start(experiment, { workflowId: 'many', taskQueue: TASK_QUEUES.orchestration, args: [spec] });
    const reader = new RunReader(client, 'many', 3);
    for (let seen = 0; seen < 8; seen += new Set(shards()).size) {
      await reader.read();
      await pause(LOOK_MS);
    }
    const looks: string[][] = [];
    for (let look = 0; look < 8; look++) {
      const { rows } = await reader.read();
      expect(rows?.find(({ stage }) => stage === 'extract')).toMatchObject({ total: 8, state: 'running' });
      looks.push(shards());
    }
    expect(looks.map(({ length }) => length)).toEqual(Array(8).fill(3));
    expect(new Set(looks.slice(0, 3).flat()).size).toBe(8);
    endpoint().release();
    expect((await watch('many')).end.status).toBe('COMPLETED');
  });
});

test('watches a run to its end as lines, each stage once', async () => {
  await withWorkers(environment(), deps, async () => {
    await start('lines');
    const { end, shown } = await watch('lines');
    expect(end.status).toBe('COMPLETED');
    const lines = shown.trimEnd().split('\n');
    expect(lines.every((line) => line.startsWith('lines: '))).toBe(true);
    for (const stage of [
      'extract',
      'respond',
      'judge',
      'select',
      'mix method',
      'train method',
      'evaluate official/gpqa',
      'evaluate method/gpqa',
      'report',
    ]) {
      expect(lines.filter((line) => line.startsWith(`lines: ${stage} is done`))).toHaveLength(1);
    }
    expect(lines.find((line) => line.startsWith('lines: judge is done'))).toMatch(/^lines: judge is done: 64\/64, [\d.]+k tokens$/);
  });
});

test('watches in place on a terminal, and leaves the last frame', async () => {
  await withWorkers(environment(), deps, async () => {
    await start('screen');
    const { end, shown } = await watch('screen', { isTty: true, url: 'http://127.0.0.1:8233/runs' });
    expect(end.status).toBe('COMPLETED');
    const frames = shown.split('\u001b[0J');
    expect(frames.length).toBeGreaterThan(1);
    expect(frames.at(-1)).toMatch(/Run screen · target · completed/);
    expect(frames.at(-1)).toMatch(/judge other +█+ +32\/32/);
    expect(frames.at(-1)).toContain('http://127.0.0.1:8233/runs');
    expect(shown.endsWith('\u001b[?7h\u001b[?25h')).toBe(true);
  });
});

test('gives the sentence of the activity that failed the run', async () => {
  endpoint().inject({ kind: 'status', status: 404, message: 'no such \u001b[31mmodel' }, { times: 1_000 });
  await withWorkers(environment(), deps, async () => {
    await start('failing');
    const { end } = await watch('failing');
    expect(end.status).toBe('FAILED');
    expect(end.failureMessage).toMatch(/^model "target" at http.* refuses every call \(HTTP 404\)/);
    expect(end.failureMessage).not.toContain('\u001b');
  });
});

test('tells of an activity that fails and is tried again, and of nothing once it is well', async () => {
  const well = fakePythonJobs();
  let ill = true;
  const python: PythonJobs = {
    async run(job) {
      if (ill && job.command !== 'render') throw new PythonJobError('internal', 'the trainer lost its GPU; look at the machine');
      return await well.run(job);
    },
  };
  await withWorkers(environment(), { ...deps, python }, async () => {
    await start('retried');
    const failing = await progressWhen('retried', ({ warnings }) => warnings.length > 0);
    expect(failing.warnings).toEqual([expect.stringMatching(/^identifyModel, attempt \d+: .*the trainer lost its GPU/)]);
    ill = false;
    const { end } = await watch('retried');
    expect(end.status).toBe('COMPLETED');
    expect((await collectProgress(environment().client, 'retried')).warnings).toEqual([]);
  });
});

test('ends when it is told to, and the run goes on', async () => {
  endpoint().hold();
  await withWorkers(environment(), deps, async () => {
    await start('left');
    await endpoint().received(1);
    const controller = new AbortController();
    const watching = watch('left', { signal: controller.signal });
    await progressWhen('left', ({ rows }) => rows !== null && rows.length > 0);
    controller.abort();
    expect((await watching).end).toEqual({ status: 'RUNNING' });
    endpoint().release();
    expect((await watch('left')).end.status).toBe('COMPLETED');
  });
});

test('waits for a server that is gone, says so, and goes on when it is back', async () => {
  const detour = await Detour.to(environment().address);
  const connection = await Connection.connect({ address: detour.address });
  const ending = new AbortController();
  const stream = new Gathered();
  endpoint().hold();
  await withWorkers(environment(), deps, async () => {
    try {
      await start('cut');
      const watching = watchRun({
        client: new Client({ connection }),
        runId: 'cut',
        stream,
        isTty: false,
        signal: ending.signal,
        pollMs: LOOK_MS,
      });
      await stream.has('cut: extract has begun');
      detour.cut();
      await stream.has('cut: the Temporal server does not answer; trying again (the run is safe)');
      await detour.mend();
      endpoint().release();
      await stream.has('cut: extract is done');
      expect((await watching).status).toBe('COMPLETED');
    } finally {
      endpoint().release(); // workers drain only when their calls are answered
      ending.abort();
      await connection.close();
      detour.cut();
    }
  });
}, 120_000);

test('says that no worker polls when a run has none', async () => {
  await environment().client.workflow.start('experiment', { workflowId: 'alone', taskQueue: TASK_QUEUES.orchestration, args: [{}] });
  // Workers of the tests before count as polling for about a minute.
  const pollers = await queuePollers(environment().client, 'orchestration');
  const progress = await collectProgress(environment().client, 'alone');
  expect(progress).toMatchObject({ status: 'RUNNING', rows: null });
  expect(progress.warnings).toEqual([
    expect.stringContaining(pollers.length === 0 ? 'no worker polls rehearse-orchestration' : 'does not answer yet'),
  ]);
  await environment().client.workflow.getHandle('alone').terminate('the test is over');
  const { end } = await watch('alone');
  expect(end).toEqual({ status: 'TERMINATED', failureMessage: 'the test is over' });
});

test('says in one sentence that there is no such run', async () => {
  await expect(collectProgress(environment().client, 'nowhere')).rejects.toBeInstanceOf(WorkflowNotFoundError);
  const failure: unknown = await watch('nowhere').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(CliError);
  expect((failure as CliError).message).toBe('the server has no run "nowhere"');
});
