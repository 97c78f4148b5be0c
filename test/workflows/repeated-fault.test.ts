import { rmSync } from 'node:fs';
import { failureSentence } from '../../cli/terminal/failure-sentence';
import { failureOfType } from '../../contract/failures';
import { TASK_QUEUES } from '../../contract/task-queues';
import { experiment } from '../../workflows';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
let endpoint: FakeEndpoint;

beforeAll(async () => {
  endpoint = await FakeEndpoint.start();
});

afterAll(async () => await endpoint.close());

async function trainFails(workflowId: string, fails: (attempt: number) => Error | undefined): Promise<{ end: unknown; attempts: number }> {
  let attempts = 0;
  const job = ({ command }: RecordedJob): Error | undefined => (command === 'sft' ? fails(++attempts) : undefined);
  const deps = testDeps({ python: fakePythonJobs([], job) });
  const spec = smallSpec(endpoint.baseURL, (each) => {
    each.variants = ['method'];
  });
  const end = await withWorkers(environment(), deps, async () => {
    const { client } = environment();
    const options = { workflowId, taskQueue: TASK_QUEUES.orchestration, args: [spec] as [typeof spec] };
    return await client.workflow.execute(experiment, options).catch((error: unknown) => error);
  });
  rmSync(deps.root, { recursive: true });
  return { end, attempts };
}

const missing = (): Error => {
  try {
    return (undefined as unknown as { step: Error }).step;
  } catch (error) {
    return error as Error;
  }
};

test('an activity that ends three times in a row in the same fault of the program is not tried again, and has the stack in its details', async () => {
  const { end, attempts } = await trainFails('same-fault', missing);
  expect(attempts).toBe(3);
  expect(failureSentence(end)).toMatch(
    /TypeError: Cannot read properties of undefined.*the same fault 3 times in a row, in \w+ \(repeated-fault\.test\.ts/,
  );
  expect(failureOfType(end, 'RepeatedFaultError')?.details).toEqual([
    expect.stringMatching(/^TypeError: .*\n\s+at .*repeated-fault\.test\.ts/),
  ]);
}, 600_000);

test('faults that differ, or that the network may have, are tried again', async () => {
  const faults = [missing(), missing(), new RangeError('another'), missing(), Object.assign(new Error('reset'), { code: 'ECONNRESET' })];
  const { end, attempts } = await trainFails('other-faults', (attempt) => faults[attempt - 1]);
  expect(end).not.toBeInstanceOf(Error);
  expect(attempts).toBe(faults.length + 1);
}, 600_000);
