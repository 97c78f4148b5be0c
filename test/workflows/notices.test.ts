import type { RunSpec } from '../../config/spec';
import { pauseUpdate, resumeUpdate } from '../../contract/control';
import { TASK_QUEUES } from '../../contract/task-queues';
import { experiment } from '../../workflows';
import { until } from '../support/control';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';
import { Webhook } from '../support/webhook';

const environment = useTemporal();
const endpoint = useFakeEndpoint();
const folder = useTempFolder();
let webhook: Webhook;

beforeEach(async () => {
  webhook = await Webhook.start();
});

afterEach(async () => await webhook.close());

function deps(): ReturnType<typeof testDeps> {
  const env = { REHEARSE_NOTIFY_URL: webhook.url, REHEARSE_NOTIFY_ON: 'finished failed cancelled paused budget resumed' };
  return { ...testDeps({ python: fakePythonJobs(), root: folder() }), env };
}

async function start(workflowId: string, spec: RunSpec = smallSpec(endpoint().baseURL)) {
  return await environment().client.workflow.start(experiment, { workflowId, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
}

/** What was told, in the order of the events, once there are so many. */
async function told(count: number): Promise<string[]> {
  await until(async () => (webhook.received.length >= count ? true : undefined));
  return webhook.received.map(({ body }) => `${body['event']}: ${body['message']}`).sort();
}

test('a pause, its end and the end of a run are told, again where the webhook did not take them; nothing waits for it', async () => {
  webhook.statuses.push(503, 503);
  await withWorkers(environment(), deps(), async () => {
    endpoint().hold();
    const handle = await start('told');
    await endpoint().received(1);
    await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'the budget meeting' }] });
    await handle.executeUpdate(resumeUpdate);
    endpoint().release();
    await handle.result();
    expect(await told(3)).toEqual([
      'finished: has finished; its report is written',
      'paused: paused: the budget meeting',
      'resumed: goes on',
    ]);
  });
});

test('a failure is told with its reason, and a cancelled run as such', async () => {
  await withWorkers(environment(), deps(), async () => {
    endpoint().inject({ kind: 'status', status: 401, message: 'who are you?' }, { times: Infinity });
    const failing = await start('failing');
    await expect(failing.result()).rejects.toThrow('Workflow execution failed');
    const { currentDetails } = await failing.query<{ readonly currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toMatch(/^\*\*Failed\*\*: model "target" .*refuses every call \(HTTP 401\)/m);
    endpoint().clearFaults();
    endpoint().hold();
    const cancelled = await start(
      'cancelled',
      smallSpec(endpoint().baseURL, (spec) => (spec.seed = 8)),
    );
    const before = endpoint().requests.length;
    await endpoint().received(before + 1);
    await cancelled.cancel();
    endpoint().release();
    await expect(cancelled.result()).rejects.toThrow('Workflow execution cancelled');
    const [cancelledNote, failedNote] = await told(2);
    expect(cancelledNote).toBe('cancelled: was cancelled; what is finished is stored');
    expect(failedNote).toMatch(/^failed: failed: model "target" .*refuses every call \(HTTP 401\)/);
  });
});
