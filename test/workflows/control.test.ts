import {
  WithStartWorkflowOperation,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  type WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { RunSpec } from '../../config/spec';
import { controlQuery, pauseUpdate, resumeUpdate, setLimitsUpdate } from '../../contract/control';
import { progressQuery } from '../../contract/progress';
import type { RunSettings } from '../../contract/run-settings';
import { PAUSED_ATTRIBUTE } from '../../contract/search-attributes';
import { TASK_QUEUES } from '../../contract/task-queues';
import type { PythonJobs } from '../../services/python/python-jobs';
import { experiment } from '../../workflows';
import { cancellationsHeard, standstill, until } from '../support/control';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

/** Calls of a whole run of {@link smallSpec}. */
const CALLS = 96;

const environment = useTemporal();
const endpoint = useFakeEndpoint({ latencyMs: 20 });
const folder = useTempFolder();

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof experiment>;

interface StartOptions {
  readonly spec?: RunSpec;
  readonly settings?: RunSettings;
  readonly timeoutMs?: number;
}

async function start(runId: string, { spec = smallSpec(endpoint().baseURL), settings, timeoutMs }: StartOptions = {}): Promise<Handle> {
  return await environment().client.workflow.start(experiment, {
    workflowId: runId,
    taskQueue: TASK_QUEUES.orchestration,
    args: settings === undefined ? [spec] : [spec, settings],
    ...(timeoutMs === undefined ? {} : { workflowExecutionTimeout: timeoutMs }),
  });
}

function deps(python: PythonJobs = fakePythonJobs()): ReturnType<typeof testDeps> {
  return testDeps({ python, root: folder() });
}

describe('pause and resume', () => {
  test('a paused run makes no call, says so everywhere, and goes on where it was', async () => {
    await withWorkers(environment(), deps(), async () => {
      const handle = await start('paused');
      await endpoint().received(30);
      const state = await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'the budget meeting' }] });
      expect(state).toMatchObject({ paused: true, pausedBy: 'user', reason: 'the budget meeting' });
      await standstill(environment(), 'paused');

      const received = endpoint().requests.length;
      expect(received).toBeLessThan(CALLS);
      expect((await handle.query(progressQuery)).map(({ state: each }) => each)).not.toContain('running');
      const shards = await Promise.all(
        ['00000', '00001'].map(
          async (shard) => await environment().client.workflow.getHandle(`paused/shard-${shard}`).query(progressQuery),
        ),
      );
      expect(shards.flat().map(({ state: each }) => each)).toContain('paused');
      const { memo, typedSearchAttributes } = await handle.describe();
      expect(memo?.['paused']).toEqual({ by: 'user', reason: 'the budget meeting' });
      expect(typedSearchAttributes.get(PAUSED_ATTRIBUTE)).toBe('user');
      expect(endpoint().requests).toHaveLength(received);

      expect(await handle.executeUpdate(resumeUpdate)).toMatchObject({ paused: false, reason: null });
      expect((await handle.result()).replayRows).toBe(8);
      expect(endpoint().requests).toHaveLength(CALLS);
      expect(endpoint().paidTwice()).toHaveLength(0);
      const after = await handle.describe();
      expect(after.memo?.['paused']).toBeUndefined();
      expect(after.typedSearchAttributes.get(PAUSED_ATTRIBUTE)).toBeUndefined();
    });
  });

  test('a run that is paused before it is planned plans nothing until it is resumed', async () => {
    await withWorkers(environment(), deps(), async () => {
      const startOperation = new WithStartWorkflowOperation(experiment, {
        workflowId: 'early',
        taskQueue: TASK_QUEUES.orchestration,
        args: [smallSpec(endpoint().baseURL)],
        workflowIdConflictPolicy: 'FAIL',
      });
      await environment().client.workflow.executeUpdateWithStart(pauseUpdate, { startWorkflowOperation: startOperation, args: [{}] });
      const handle = await startOperation.workflowHandle();
      await standstill(environment(), 'early');
      expect(endpoint().requests).toHaveLength(0);
      await handle.executeUpdate(resumeUpdate);
      await handle.result();
      expect(endpoint().requests).toHaveLength(CALLS);
    });
  });

  test('a training is stopped by a pause, and begun again by resume', async () => {
    const inner = fakePythonJobs();
    const stopped: string[] = [];
    let reached: () => void = () => undefined;
    const training = new Promise<void>((resolve) => (reached = resolve));
    const python: PythonJobs = {
      async run(job) {
        if (job.command === 'sft' && stopped.length === 0) {
          reached();
          await new Promise<void>((resolve) => job.stop.addEventListener('abort', () => resolve(), { once: true }));
          stopped.push(job.command);
          job.stop.throwIfAborted();
        }
        return await inner.run(job);
      },
    };
    await withWorkers(environment(), deps(python), async () => {
      const handle = await start('training');
      await training;
      await handle.executeUpdate(pauseUpdate, { args: [{}] });
      await standstill(environment(), 'training');
      expect(stopped).toEqual(['sft']);
      expect((await handle.query(progressQuery)).find(({ stage }) => stage === 'train')).toMatchObject({ state: 'paused', done: 0 });
      await handle.executeUpdate(resumeUpdate);
      expect((await handle.result()).variants).toHaveLength(2);
    });
  });

  test('an activity that fails while its run is cancelled, and is not tried again for that, is cancelled too', async () => {
    const inner = fakePythonJobs();
    let reached: () => void = () => undefined;
    const training = new Promise<void>((resolve) => (reached = resolve));
    let fail: (error: Error) => void = () => undefined;
    const failure = new Promise<never>((_, reject) => (fail = reject));
    failure.catch(() => undefined);
    const python: PythonJobs = {
      async run(job) {
        if (job.command !== 'sft') return await inner.run(job);
        reached();
        return await failure; // deaf to its cancellation
      },
    };
    await withWorkers(environment(), deps(python), async () => {
      const handle = await start('called-off');
      await training;
      await handle.cancel();
      await cancellationsHeard(environment(), 'called-off');
      fail(new Error('the connection was lost'));
      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
      const ends = await Promise.all(
        ['called-off', 'called-off/variant-method'].map(
          async (id) => (await environment().client.workflow.getHandle(id).describe()).status.name,
        ),
      );
      expect(ends).toEqual(['CANCELLED', 'CANCELLED']);
    });
  });

  test('a store that cannot be written pauses the run with its sentence, and resume goes on with the same work', async () => {
    const real = deps();
    let full = true;
    let attempts = 0;
    const commit: typeof real.stages.commit = async (address, ...rest) => {
      if (full && address.stage === 'respond') {
        attempts++;
        throw ApplicationFailure.nonRetryable('the store at /data is full; free some space', 'StorageUnavailableError');
      }
      return await real.stages.commit(address, ...rest);
    };
    const stages = new Proxy(real.stages, {
      get: (target, name) => (name === 'commit' ? commit : (Reflect.get(target, name, target) as unknown)),
    });
    await withWorkers(environment(), { ...real, stages }, async () => {
      const handle = await start('full');
      const seen = await until(async () => {
        const state = await handle.query(controlQuery);
        return state.paused ? state : undefined;
      });
      expect(seen).toMatchObject({ pausedBy: 'storage', reason: 'the store at /data is full; free some space' });
      await standstill(environment(), 'full');
      const before = attempts;
      expect(before).toBeGreaterThan(0);

      // Resumed too early: it pauses again.
      await handle.executeUpdate(resumeUpdate);
      await until(async () => (attempts > before && (await handle.query(controlQuery)).paused ? true : undefined));
      await standstill(environment(), 'full');
      full = false;
      await handle.executeUpdate(resumeUpdate);
      expect((await handle.result()).replayRows).toBe(8);
      expect(endpoint().paidTwice()).toHaveLength(0);
    });
  });
});

describe('limits', () => {
  test('other limits hold for batches that run and for those to come, and are kept for a run that is started again', async () => {
    const surroundings = deps();
    await withWorkers(environment(), surroundings, async () => {
      const handle = await start('limited');
      await endpoint().received(10);
      await handle.executeUpdate(setLimitsUpdate, {
        args: [{ target: { concurrency: 1, tokensPerMinute: null }, other: { concurrency: 1 } }],
      });
      await standstillOfUnlimited(handle, 'limited');
      endpoint().maxInFlight = 0;
      const before = endpoint().requests.length;
      await handle.result();
      expect(endpoint().requests.length).toBeGreaterThan(before);
      expect(endpoint().maxInFlight).toBeLessThanOrEqual(2); // one a model
      expect(endpoint().paidTwice()).toHaveLength(0);

      const settings = await surroundings.plans.findSettings('limited');
      expect(settings).toEqual({ limits: { target: { concurrency: 1, tokensPerMinute: null }, other: { concurrency: 1 } } });
      const again = await start('limited', { settings });
      expect((await again.query(controlQuery)).limits).toEqual(settings?.limits);
      await again.result();
      await (await start('limited')).result();
      expect(await surroundings.plans.findSettings('limited')).toEqual({ limits: {} });
    });
  });

  test('what cannot be set is rejected in one sentence, and the run goes on', async () => {
    await withWorkers(environment(), deps(), async () => {
      const handle = await start('rejected');
      const rejection: unknown = await handle
        .executeUpdate(setLimitsUpdate, { args: [{ gpt4: { concurrency: 3 } }] })
        .catch((error: unknown) => error);
      expect(rejection).toBeInstanceOf(WorkflowUpdateFailedError);
      expect((rejection as WorkflowUpdateFailedError).cause?.message).toBe('the run has no model "gpt4"; its models are target, other');
      expect((await handle.result()).replayRows).toBe(8);
    });
  });

  /** Returns when no batch works under the spec's own limits. */
  async function standstillOfUnlimited(handle: Handle, runId: string): Promise<void> {
    await until(async () => {
      if ((await handle.describe()).status.name !== 'RUNNING') throw new Error('the run was over before its limits could be seen');
      for (const shard of ['00000', '00001']) {
        const { events = [] } = await environment().client.workflow.getHandle(`${runId}/shard-${shard}`).fetchHistory();
        const ended = new Set(
          (events ?? [])
            .flatMap((event) => [
              event.activityTaskCompletedEventAttributes,
              event.activityTaskCanceledEventAttributes,
              event.activityTaskFailedEventAttributes,
            ])
            .flatMap((end) => (end?.scheduledEventId == null ? [] : [String(end.scheduledEventId)])),
        );
        const open = (events ?? []).filter((event) => {
          const input = event.activityTaskScheduledEventAttributes?.input?.payloads?.[0]?.data;
          return input != null && !Buffer.from(input).includes('"limits"') && !ended.has(String(event.eventId));
        });
        if (open.length > 0) return undefined;
      }
      return true;
    });
  }
});

describe('a run that ended in the middle goes on under the same id', () => {
  test('after a termination, although its children still work', async () => {
    await withWorkers(environment(), deps(), async () => {
      const handle = await start('terminated');
      await endpoint().received(20);
      endpoint().hold();
      await handle.terminate('by hand');
      const again = await start('terminated');
      endpoint().release();
      expect((await again.result()).replayRows).toBe(8);
      expect(endpoint().requests).toHaveLength(CALLS);
      expect(endpoint().paidTwice()).toHaveLength(0);
    });
  });

  test('after it timed out', async () => {
    await withWorkers(environment(), deps(), async () => {
      endpoint().hold();
      const handle = await start('timed-out', { timeoutMs: 3_000 });
      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
      expect((await handle.describe()).status.name).toBe('TIMED_OUT');
      const again = await start('timed-out');
      endpoint().release();
      expect((await again.result()).replayRows).toBe(8);
      expect(endpoint().paidTwice()).toHaveLength(0);
    });
  });

  test('after it was cancelled, also while it was paused', async () => {
    await withWorkers(environment(), deps(), async () => {
      const handle = await start('cancelled');
      await endpoint().received(20);
      await handle.executeUpdate(pauseUpdate, { args: [{}] });
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
      expect((await handle.describe()).status.name).toBe('CANCELLED');
      const again = await start('cancelled');
      expect((await again.result()).replayRows).toBe(8);
      expect(endpoint().paidTwice()).toHaveLength(0);
    });
  });

  test('after a permanent error, which leaves no batch of the failed run at work', async () => {
    await withWorkers(environment(), deps(), async () => {
      endpoint().inject(
        { kind: 'status', status: 404, message: 'no such model' },
        { times: 1_000, when: ({ body }) => body.model === 'other' },
      );
      const handle = await start('failed');
      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
      for (const id of ['failed/synthesis', 'failed/shard-00000', 'failed/shard-00001']) {
        const { raw, status } = await environment().client.workflow.getHandle(id).describe();
        expect(status.name).not.toBe('RUNNING');
        expect(raw.pendingActivities ?? []).toEqual([]);
      }
      endpoint().clearFaults();
      expect((await (await start('failed')).result()).replayRows).toBe(8);
      expect(endpoint().paidTwice()).toHaveLength(0);
    });
  });
});
