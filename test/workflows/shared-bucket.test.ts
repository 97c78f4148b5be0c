import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { TASK_QUEUES } from '../../contract/task-queues';
import { openStore } from '../../services/runs/open-store';
import { experiment } from '../../workflows';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { quietReporter, startAnotherTemporal, testDeps, useTemporal, withWorkers } from '../support/temporal';
import { S3Server } from '../support/versitygw';

const environment = useTemporal();
let other: TestWorkflowEnvironment;
const endpoint = useFakeEndpoint({ latencyMs: 15 });
const machines: string[] = [];
let bucket: S3Server;

beforeAll(async () => {
  other = await startAnotherTemporal();
  bucket = await S3Server.start(quietReporter);
  Object.assign(process.env, bucket.env);
}, 600_000);

afterAll(async () => {
  await other.teardown();
  await bucket.close();
  for (const folder of machines) rmSync(folder, { recursive: true, force: true });
});

/** A worker's dependencies on a machine of its own, over one bucket. */
function machine(): ReturnType<typeof testDeps> {
  const folder = mkdtempSync(join(tmpdir(), 'rehearse-machine-'));
  machines.push(folder);
  return testDeps({ python: fakePythonJobs(), opened: openStore(`s3://${bucket.bucket}/shared`, { workFolder: folder }) });
}

/** Calls of one run alone: an instruction, 2 responses of one request and 2 of one each, 8 judgments. */
const CALLS = 12 * (1 + 1 + 2 + 8);

test('two runs of two Temporal servers that share a synthesis in a bucket pay for it once', async () => {
  const spec = smallSpec(endpoint().baseURL, (draft) => {
    draft.synthesis.extract.instructions = 12;
    draft.until = 'replay';
  });
  const results = await Promise.all(
    [environment(), other].map(
      async (server, number) =>
        await withWorkers(server, machine(), async () => {
          const { client } = server;
          const handle = await client.workflow.start(experiment, {
            workflowId: `shared-bucket-${number}`,
            taskQueue: TASK_QUEUES.orchestration,
            args: [spec],
          });
          return await handle.result();
        }),
    ),
  );
  expect(results.map(({ replayRows }) => replayRows)).toEqual([12, 12]);
  expect(endpoint().paidTwice()).toHaveLength(0);
  expect(endpoint().requests).toHaveLength(CALLS);
}, 600_000);
