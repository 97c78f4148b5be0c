import { join } from 'node:path';
import type { ListedRun } from '../../../cli/commands/list';
import type { Finding } from '../../../cli/doctor/finding';
import { totalsOf } from '../../../cli/progress/run-totals';
import { type RunStatus, type StatusRow } from '../../../cli/runs/run-status';
import { renderStatus } from '../../../cli/runs/status-text';
import { TASK_QUEUES } from '../../../contract/task-queues';
import { experiment } from '../../../workflows';
import { FakeEndpoint } from '../../support/fake-endpoint';
import { fakePythonJobs } from '../../support/fake-python-jobs';
import { rehearse, type Ended } from '../../support/rehearse';
import { writeSampleRun } from '../../support/sample-run';
import { smallSpec } from '../../support/small-spec';
import { useTempFolder } from '../../support/temp-folder';
import { testDeps, useTemporal, withWorkers } from '../../support/temporal';

const folder = useTempFolder();
const NOWHERE = '127.0.0.1:1';

async function offline(args: readonly string[]): Promise<Ended> {
  return await rehearse(args, { home: folder(), env: { TEMPORAL_ADDRESS: NOWHERE } });
}

describe('without a server', () => {
  it('status shows what the store has, and says so', async () => {
    await writeSampleRun({ root: join(folder(), 'store'), until: 'mix' });
    const { code, stdout } = await offline(['status', 'demo']);
    expect(code).toBe(0);
    expect(stdout).toContain('Run demo: not on a server');
    expect(stdout).toMatch(/^respond +creative +done +48 +48 +1 /m);
    expect(stdout).toMatch(/^mix +method +done +1 +1 +0 +\d+ replay \+ \d new$/m);
    expect(stdout).toMatch(/^train +method +waiting +0 +5\b/m);
    expect(stdout).toMatch(
      /^\d+ texts extracted: \d+\u00a0% ended by themselves, \d+\u00a0% repeat another, .* ask for nothing .*; the next text is new with a chance of /m,
    );
    expect(stdout).toContain(`! no Temporal server answers at ${NOWHERE}; this is what the store has`);
  });

  it('status calls a stage that is half stored partly done, not running', async () => {
    await writeSampleRun({ root: join(folder(), 'store'), until: 'first shard' });
    expect((await offline(['status', 'demo'])).stdout).toMatch(/^judge +careful +partly done +72 +144 /m);
    const { stdout } = await offline(['status', 'demo', '--json']);
    expect(JSON.parse(stdout) as RunStatus).toMatchObject({
      runId: 'demo',
      status: null,
      source: 'store',
      target: 'balanced',
      startedAt: '2026-11-03T09:12:00.000Z',
    });
  });

  it('status of a run that nobody knows names those there are', async () => {
    await writeSampleRun({ root: join(folder(), 'store'), until: 'first shard' });
    const { code, stdout, stderr } = await offline(['status', 'other']);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'rehearse: no run "other" is stored here; the runs are demo\n',
    });
  });

  it('list gives the stored runs, and says that the server is away', async () => {
    await writeSampleRun({ root: join(folder(), 'store'), runId: 'whole' });
    await writeSampleRun({ root: join(folder(), 'store'), runId: 'half', until: 'first shard', spec: (spec) => ({ ...spec, seed: 8 }) });
    const { code, stdout, stderr } = await offline(['list', '--json']);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `rehearse: note: no Temporal server answers at ${NOWHERE}; these are the stored runs\n`,
    });
    const runs = JSON.parse(stdout) as ListedRun[];
    expect(
      runs.map(({ runId, status, stage, stored }) => ({ runId, status, stage, stored })).sort((a, b) => (a.runId < b.runId ? -1 : 1)),
    ).toEqual([
      { runId: 'half', status: null, stage: 'extract', stored: true },
      { runId: 'whole', status: null, stage: 'done', stored: true },
    ]);
  });

  it('doctor fails on a server that was named and does not answer', async () => {
    const { code, stdout, stderr } = await offline(['doctor', '--json']);
    expect(code).toBe(1);
    const findings = JSON.parse(stdout) as Finding[];
    expect(findings.find(({ check }) => check === 'server')).toMatchObject({
      state: 'fail',
      message: `no Temporal server answers at ${NOWHERE}`,
    });
    expect(findings.filter(({ state, fix }) => state !== 'ok' && fix === undefined)).toEqual([]);
    expect(stderr).toMatch(/^rehearse: \d of \d+ checks failed: .*server/);
  });
});

describe('with a server', () => {
  const environment = useTemporal();
  let endpoint: FakeEndpoint;

  beforeAll(async () => {
    endpoint = await FakeEndpoint.start();
  }, 600_000);

  afterAll(async () => {
    await endpoint.close();
  });

  async function online(args: readonly string[]): Promise<Ended> {
    return await rehearse(args, {
      home: folder(),
      env: { TEMPORAL_ADDRESS: environment().address, REHEARSE_UI_URL: 'http://127.0.0.1:8233' },
    });
  }

  it('status, list and doctor tell of a run and its workers', async () => {
    const deps = testDeps({ python: fakePythonJobs(), root: join(folder(), 'store') });
    await withWorkers(environment(), deps, async () => {
      await environment().client.workflow.execute(experiment, {
        workflowId: 'seen',
        taskQueue: TASK_QUEUES.orchestration,
        args: [smallSpec(endpoint.baseURL)],
      });
      const { code, stdout } = await online(['status', 'seen']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Run seen: completed\ntarget target, started .* UTC, took \d/);
      expect(stdout).toContain('http://127.0.0.1:8233/namespaces/default/workflows/seen');
      expect(stdout).toMatch(/^judge +other +done +32 +32 +0 /m);
      expect(stdout).toMatch(/^In all: [\d.]+k? tokens in, [\d.]+k? out$/m);
      const status = JSON.parse((await online(['status', 'seen', '--json'])).stdout) as RunStatus;
      expect(status.rows.find(({ stage }) => stage === 'extract')).toEqual({
        stage: 'extract',
        model: 'target',
        done: 8,
        total: 8,
        failed: 0,
        promptTokens: expect.any(Number),
        completionTokens: expect.any(Number),
        usd: 0,
        errors: {},
        state: 'done',
        perSecond: null,
        leftMs: null,
      });
      expect(status.totals).toEqual({
        promptTokens: expect.any(Number),
        completionTokens: expect.any(Number),
        usd: 0,
        errors: {},
        synthesisLeftMs: null,
      });
      expect((await online(['status', 'seen', '--watch'])).code).toBe(0);

      const listed = JSON.parse((await online(['list', '--json'])).stdout) as ListedRun[];
      expect(listed).toEqual([
        expect.objectContaining({ runId: 'seen', status: 'COMPLETED', stage: 'done', target: 'target', stored: true }),
      ]);

      const findings = JSON.parse((await online(['doctor', '--json'])).stdout) as Finding[];
      const states = Object.fromEntries(findings.map(({ check, state }) => [check, state]));
      expect(states).toMatchObject({
        'Node.js': 'ok',
        store: 'ok',
        server: 'ok',
        'search attributes': 'ok',
        ...Object.fromEntries(Object.values(TASK_QUEUES).map((queue) => [queue, 'ok'])),
      });
    });
  });

  it('status takes the counts from the store where no worker answers for a closed run, and says why it failed', async () => {
    await writeSampleRun({ root: join(folder(), 'store'), runId: 'orphan', until: 'first shard' });
    const handle = await environment().client.workflow.start('experiment', {
      workflowId: 'orphan',
      taskQueue: 'nobody-works-here',
      args: [{}],
    });
    await handle.terminate('switched off');
    const { code, stdout } = await online(['status', 'orphan']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Run orphan: terminated\n/);
    expect(stdout).toContain('Failed: switched off\nGo on with: npx rehearse resume orphan');
    expect(stdout).toMatch(/^extract +balanced +partly done +8 +16 /m);
    expect(stdout).toContain('(no worker answers for the run: these are the finished outputs in the store)');
    const watched = await online(['status', 'orphan', '--watch']);
    expect(watched.code).toBe(1);
    expect(watched.stderr).toContain(
      'rehearse: run "orphan" ended as terminated: switched off; when that is fixed, go on with: npx rehearse resume orphan',
    );
  });

  it('status says that neither side knows a run', async () => {
    await writeSampleRun({ root: join(folder(), 'store'), until: 'first shard' });
    expect(await online(['status', 'dem'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'rehearse: neither the server nor the store knows a run "dem"; did you mean demo?\n',
    });
  });
});

describe('renderStatus', () => {
  it('shows rate, time left, dollars and errors by kind, and the sums', () => {
    const row = (stage: StatusRow['stage'], change: Partial<StatusRow>): StatusRow => ({
      stage,
      model: 'm',
      done: 0,
      total: 900,
      failed: 0,
      promptTokens: 0,
      completionTokens: 0,
      usd: 0,
      errors: {},
      perSecond: null,
      leftMs: null,
      state: 'waiting',
      ...change,
    });
    const rows = [
      row('respond', {
        done: 300,
        perSecond: 2,
        state: 'running',
        promptTokens: 1_000_000,
        usd: 1.5,
        errors: { timeout: 1, rate_limited: 12 },
      }),
      row('judge', { state: 'running', done: 1 }),
    ];
    const text = renderStatus(
      {
        runId: 'demo',
        status: 'RUNNING',
        stage: 'respond',
        target: 't',
        startedAt: null,
        closedAt: null,
        paused: null,
        budget: null,
        disk: null,
        spent: null,
        source: 'workflow',
        rows,
        totals: { ...totalsOf([]), promptTokens: 1_000_000, usd: 1.5, errors: { timeout: 1, rate_limited: 12 }, synthesisLeftMs: 300_000 },
        extraction: null,
        warnings: [],
        failureMessage: null,
        url: null,
      },
      0,
    );
    expect(text).toMatch(/^STAGE +MODEL +STATE +DONE +TOTAL +LOST +RATE +LEFT +TOKENS +COST +ERRORS$/m);
    expect(text).toMatch(/^respond +m +running +300 +900 +0 +2\.0\/s +5m +1\.00M +\$1\.50 +12 rate limited, 1 timeout$/m);
    expect(text).toMatch(/^judge +m +running +1 +900 +0 +–$/m);
    expect(text).toMatch(/^In all: 1\.00M tokens in, 0 out; \$1\.50; 13 faults and refusals; the synthesis ends in about 5m$/m);
  });

  it('takes out what a terminal would obey', () => {
    const status: RunStatus = {
      runId: 'demo',
      status: 'FAILED',
      stage: 'judge',
      target: 't',
      startedAt: '2026-11-03T09:00:00.000Z',
      closedAt: '2026-11-03T09:01:00.000Z',
      paused: null,
      budget: null,
      disk: null,
      spent: null,
      source: 'workflow',
      rows: [
        {
          stage: 'train',
          model: 'method',
          done: 0,
          total: 1,
          failed: 0,
          promptTokens: 0,
          completionTokens: 0,
          usd: 0,
          errors: {},
          perSecond: null,
          leftMs: null,
          state: 'running',
          note: 'loss\u001b[2J 2.4',
        },
      ],
      totals: totalsOf([]),
      extraction: null,
      warnings: ['a\u0007b'],
      failureMessage: 'c\u001b]0;t\u0007d',
      url: null,
    };
    const text = renderStatus(status, 0);
    expect(text).toContain('loss 2.4');
    expect(text).toContain('! ab');
    expect(text).toContain('Failed: cd');
    // oxlint-disable-next-line no-control-regex -- these are what must not come out
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});

it('the room on the disk of the store is told, and of a bucket nothing', () => {
  const status: RunStatus = {
    runId: 'r',
    status: null,
    stage: null,
    target: null,
    startedAt: null,
    closedAt: null,
    paused: null,
    budget: null,
    spent: null,
    disk: { path: '/data/store', freeBytes: 5e9, totalBytes: 20e9 },
    source: null,
    rows: [],
    totals: totalsOf([]),
    extraction: null,
    warnings: [],
    failureMessage: null,
    url: null,
  };
  expect(renderStatus(status, 0)).toContain('\nDisk: 5 GB of 20 GB free at /data/store\n');
  expect(renderStatus({ ...status, disk: null }, 0)).not.toContain('Disk');
});
