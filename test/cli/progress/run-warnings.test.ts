import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { readPendingActivities } from '../../../cli/progress/pending-activities';
import { idleQueues } from '../../../cli/progress/run-warnings';

const { PENDING_ACTIVITY_STATE_SCHEDULED: SCHEDULED, PENDING_ACTIVITY_STATE_STARTED: STARTED } = temporal.api.enums.v1.PendingActivityState;
type Poller = { readonly identity: string; readonly lastAccessTime: { readonly seconds: number } };

const NOW_SECONDS = 1_800_000_000;
beforeAll(() => jest.useFakeTimers({ now: NOW_SECONDS * 1000 }));
afterAll(() => jest.useRealTimers());

/** A server whose queues all have these pollers. */
function client(...pollers: readonly Poller[]): Client {
  return {
    options: { namespace: 'default', loadedDataConverter: { payloadCodecs: [], payloadConverter: defaultPayloadConverter } },
    workflowService: { describeTaskQueue: async () => await Promise.resolve({ pollers }) },
  } as unknown as Client;
}

const poller = (secondsAgo: number): Poller => ({ identity: '1@gpu-1', lastAccessTime: { seconds: NOW_SECONDS - secondsAgo } });
const activity = (name: string, state: number, scheduledSecondsAgo: number, attempt = 1) => ({
  activityType: { name },
  state,
  attempt,
  scheduledTime: { seconds: NOW_SECONDS - scheduledSecondsAgo },
});
type Info = ReturnType<typeof activity>;

const warnings = async (server: Client, ...infos: readonly Info[]): Promise<string[]> =>
  await idleQueues(server, await readPendingActivities(server, 'run', infos as unknown as Parameters<typeof readPendingActivities>[2]));

const WAITING = activity('evaluateTask', SCHEDULED, 120);

test('work that waits where nobody polls is told of, with what to do', async () => {
  expect(await warnings(client(), WAITING, activity('judgeShard', SCHEDULED, 20))).toEqual([
    'no worker polls rehearse-gpu; work waits there for 2m: start one with "npx rehearse worker --queue gpu", unless those there work for another run',
    'no worker polls rehearse-llm; work waits there for 20s: start one with "npx rehearse worker --queue llm"',
  ]);
  expect(await warnings(client(poller(200)), WAITING)).toHaveLength(1);
});

test.each<[string, Client, readonly Info[]]>([
  ['a worker polls', client(poller(30)), [WAITING]],
  ['a worker with one place trains, and does not poll meanwhile', client(poller(200)), [WAITING, activity('trainVariant', STARTED, 150)]],
  ['it has only just begun to wait', client(), [activity('evaluateTask', SCHEDULED, 3)]],
  ['it waits for its next attempt, not for a worker', client(), [activity('evaluateTask', SCHEDULED, 120, 2)]],
])('nothing is said where %s', async (_, server, infos) => {
  expect(await warnings(server, ...infos)).toEqual([]);
});
