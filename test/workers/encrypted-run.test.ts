import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import { pauseUpdate, resumeUpdate } from '../../contract/control';
import { TASK_QUEUES } from '../../contract/task-queues';
import { encryptingConverter } from '../../services/codec/aes-gcm-codec';
import { workerFactories } from '../../workers';
import { experiment } from '../../workflows';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { testDeps, useTemporal, workflowBundle } from '../support/temporal';

const environment = useTemporal();
const endpoint = useFakeEndpoint();
const folder = useTempFolder();

test('with keys a whole run goes through a server that cannot read its payloads', async () => {
  const dataConverter = encryptingConverter({ REHEARSE_CODEC_KEYS: `k:${randomBytes(32).toString('base64')}` });
  const deps = testDeps({ python: fakePythonJobs(), root: folder() });
  const setting = {
    connection: environment().nativeConnection,
    namespace: 'default',
    deps,
    workflowBundle: await workflowBundle(),
    dataConverter,
  };
  const workers = await Promise.all(Object.values(workerFactories).map(async (create) => await create(setting)));
  const running = Promise.all(workers.map(async (worker) => await worker.run()));
  try {
    const client = new Client({ connection: environment().connection, dataConverter });
    endpoint().hold();
    const handle = await client.workflow.start(experiment, {
      workflowId: 'encrypted',
      taskQueue: TASK_QUEUES.orchestration,
      args: [smallSpec(endpoint().baseURL, (spec) => (spec.description = 'a description that nobody else is to read'))],
    });
    await endpoint().received(1);
    await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'a reason that nobody else is to read' }] });
    await handle.executeUpdate(resumeUpdate);
    endpoint().release();
    expect((await handle.result()).replayRows).toBe(8);

    const { events = [] } = await handle.fetchHistory();
    const payloadTexts: string[] = [];
    const collect = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      const { metadata, data } = value as { metadata?: Record<string, Uint8Array>; data?: Uint8Array };
      if (metadata?.['encoding'] !== undefined && data !== undefined) {
        payloadTexts.push(`${Buffer.from(metadata['encoding']).toString()} ${Buffer.from(data).toString('latin1')}`);
      }
      for (const each of Object.values(value)) if (!(each instanceof Uint8Array)) collect(each);
    };
    collect(events);
    expect(payloadTexts.length).toBeGreaterThan(20);
    expect(payloadTexts.filter((text) => /nobody else|replayRows|127\.0\.0\.1/.test(text))).toEqual([]);
    // Search attributes are for the server to read: the stage, the model's name and who paused. So are the names of patches.
    expect(
      payloadTexts
        .filter((text) => !text.startsWith('binary/encrypted'))
        .filter((text) => !/^json\/plain ("|\[|null|\{"id":"[a-z ]+","deprecated":)/.test(text)),
    ).toEqual([]);
  } finally {
    for (const worker of workers) worker.shutdown();
    await running;
  }
});
