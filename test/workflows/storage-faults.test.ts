import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { controlQuery, resumeUpdate, type ControlState } from '../../contract/control';
import { TASK_QUEUES } from '../../contract/task-queues';
import { openStore } from '../../services/runs/open-store';
import { experiment } from '../../workflows';
import { until } from '../support/control';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { SmallDisk } from '../support/small-disk';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { quietReporter, testDeps, useTemporal, withWorkers } from '../support/temporal';
import { S3Server } from '../support/versitygw';

/** Calls of a whole run of the small spec. */
const CALLS = 96;

const environment = useTemporal();
const endpoint = useFakeEndpoint({ latencyMs: 20 });
const folder = useTempFolder();

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof experiment>;

async function start(runId: string): Promise<Handle> {
  return await environment().client.workflow.start(experiment, {
    workflowId: runId,
    taskQueue: TASK_QUEUES.orchestration,
    args: [smallSpec(endpoint().baseURL)],
  });
}

async function paused(handle: Handle): Promise<ControlState> {
  return await until(async () => {
    const state = await handle.query(controlQuery);
    return state.paused ? state : undefined;
  });
}

/** Resumes until the run is not paused again by a batch that failed before. */
async function resumed(handle: Handle) {
  const result = handle.result();
  let ended = false;
  const end = result.finally(() => (ended = true));
  await until(async () => {
    if (ended) return true;
    if ((await handle.query(controlQuery)).paused) await handle.executeUpdate(resumeUpdate);
    return undefined;
  });
  return await end;
}

describe('a disk', () => {
  let disk: SmallDisk;

  beforeEach(() => {
    disk = new SmallDisk();
  });

  afterEach(() => {
    disk.remove();
  });

  test('that is full pauses the run, which says where and what to do; when there is room it goes on, and pays nothing again while its worker lives', async () => {
    const deps = testDeps({ python: fakePythonJobs(), root: join(disk.folder, 'store') });
    await withWorkers(environment(), deps, async () => {
      const handle = await start('full-disk');
      await endpoint().received(20);
      await disk.fill();
      const { pausedBy, reason } = await paused(handle);
      expect(pausedBy).toBe('storage');
      expect(reason).toContain('ENOSPC');
      expect(reason).toMatch(/free some space/);
      disk.free();
      expect((await resumed(handle)).replayRows).toBe(8);
      expect(endpoint().requests).toHaveLength(CALLS);
    });
  }, 300_000);

  test('that is read-only pauses the run before its first call', async () => {
    const deps = testDeps({ python: fakePythonJobs(), root: join(disk.folder, 'store') });
    disk.setReadOnly(true);
    await withWorkers(environment(), deps, async () => {
      const handle = await start('read-only-disk');
      expect(await paused(handle)).toMatchObject({
        pausedBy: 'storage',
        reason: expect.stringMatching(/EROFS.*mount that file system writable/) as unknown,
      });
      expect(endpoint().requests).toHaveLength(0);
      disk.setReadOnly(false);
      expect((await resumed(handle)).replayRows).toBe(8);
    });
  }, 300_000);
});

test('a file where a folder of the store should be pauses the run until it is away', async () => {
  const deps = testDeps({ python: fakePythonJobs(), root: folder() });
  mkdirSync(join(folder(), 'stages'));
  writeFileSync(join(folder(), 'stages', 'respond'), 'not a folder');
  await withWorkers(environment(), deps, async () => {
    const handle = await start('file-in-place');
    expect(await paused(handle)).toMatchObject({
      pausedBy: 'storage',
      reason: expect.stringContaining('remove the file that is where a folder should be') as unknown,
    });
    rmSync(join(folder(), 'stages', 'respond'));
    expect((await resumed(handle)).replayRows).toBe(8);
    expect(endpoint().paidTwice()).toHaveLength(0);
  });
}, 300_000);

describe('an object store', () => {
  let server: S3Server;

  beforeAll(async () => {
    server = await S3Server.start(quietReporter);
    Object.assign(process.env, server.env);
  }, 600_000);

  afterAll(async () => {
    await server.close();
  });

  test('that is away for a while is waited for, without a pause', async () => {
    const deps = testDeps({ python: fakePythonJobs(), opened: openStore(`s3://${server.bucket}/awhile`, { workFolder: folder() }) });
    await withWorkers(environment(), deps, async () => {
      const handle = await start('away-for-a-while');
      await endpoint().received(10);
      await server.down();
      await until(async () => ((await failedActivities('away-for-a-while')) > 0 ? true : undefined));
      await server.up();
      expect((await handle.result()).replayRows).toBe(8);
      expect(endpoint().paidTwice()).toHaveLength(0);
    });
  }, 180_000);

  test('that stays away pauses the run, which goes on once it is back', async () => {
    const deps = testDeps({
      python: fakePythonJobs(),
      opened: openStore(`s3://${server.bucket}/stays`, { workFolder: folder(), rideOutMs: 1_500 }),
    });
    await withWorkers(environment(), deps, async () => {
      const handle = await start('stays-away');
      await endpoint().received(10);
      await server.down();
      expect(await paused(handle)).toMatchObject({
        pausedBy: 'storage',
        reason: expect.stringMatching(/s3:\/\/runs\/stays\/.*see that the object store runs/) as unknown,
      });
      await server.up();
      expect((await resumed(handle)).replayRows).toBe(8);
      expect(endpoint().paidTwice()).toHaveLength(0);
    });
  }, 180_000);

  /** Activities of a run that have failed at least once and are to be tried again. */
  async function failedActivities(runId: string): Promise<number> {
    let failed = 0;
    for await (const { workflowId } of environment().client.workflow.list({
      query: `WorkflowId STARTS_WITH "${runId}" AND ExecutionStatus = "Running"`,
    })) {
      const { raw } = await environment().client.workflow.getHandle(workflowId).describe();
      failed += (raw.pendingActivities ?? []).filter(({ lastFailure }) => lastFailure != null).length;
    }
    return failed;
  }
});
