import { rmSync } from 'node:fs';
import { ServiceError, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { setBudgetUpdate, type ControlState } from '../../contract/control';
import { TASK_QUEUES } from '../../contract/task-queues';
import { createRandom } from '../../method/random';
import { experiment } from '../../workflows';
import { billed, TEST_PRICE } from '../support/billed';
import { until } from '../support/control';
import { FakeEndpoint, type Fault } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
/** More of them: `npm run test:long budget`. */
const MOMENTS = Number(process.env['REHEARSE_MOMENTS'] ?? 20);
/** Workers are stopped and started again after so many. */
const MOMENTS_A_WORKER = 10;
const FAULTS: readonly Fault[] = [
  { kind: 'reset' },
  { kind: 'cut-body' },
  { kind: 'status', status: 429, headers: { 'retry-after-ms': '50' } },
  { kind: 'status', status: 503 },
];

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof experiment>;

test(`a budget that is lowered and raised at ${MOMENTS} random moments holds from each answer on, but for what the answer says is in flight`, async () => {
  const stream = createRandom(20_261_128);
  const random = (): number => stream.below(2 ** 32) / 2 ** 32;
  const faultOf = ({ number }: { readonly number: number }): Fault | undefined =>
    number % 37 === 0 ? FAULTS[(number / 37) % FAULTS.length] : undefined;
  const endpoint = await FakeEndpoint.start({ latencyMs: 40, faultOf });
  const spec = smallSpec(endpoint.baseURL, (draft) => {
    for (const model of Object.values(draft.models)) model.price = TEST_PRICE;
    draft.synthesis.extract.instructions = 400;
    draft.synthesis.shardSize = 20;
    draft.synthesis.concurrentShards = 4;
    draft.budget = { usd: 3 };
    draft.variants = ['official'];
  });
  const deps = testDeps({ python: fakePythonJobs() });
  // What is refused by its status is not billed; what breaks off may be.
  const spentNow = (): number => billed(endpoint.requests.filter((request) => faultOf(request)?.kind !== 'status')).usd;
  /** What may have been spent by the end of the time in which this budget held. */
  let most = Number.POSITIVE_INFINITY;
  const broken: string[] = [];
  let unanswered = 0;
  const check = (when: string): void => {
    if (spentNow() > most + 1e-9) broken.push(`${when}: ${spentNow()} is spent, ${most} may be`);
  };

  async function set(handle: Handle, usd: number | null): Promise<ControlState> {
    return await until(async () => {
      try {
        return await handle.executeUpdate(setBudgetUpdate, { args: [{ usd }] });
      } catch (error) {
        // On a busy machine a workflow task may take longer than the server waits; it is tried again, and so is this.
        if (error instanceof ServiceError) return undefined;
        throw error;
      }
    });
  }

  async function moment(handle: Handle, number: number, budget: number): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, random() * 400));
    check(`before moment ${number}`);
    if (number % 2 === 1) {
      const raised = spentNow() + 0.5 + random() * 4;
      most = Math.max(most, raised);
      await set(handle, raised);
      return raised;
    }
    const lowered = Math.max(0.001, (random() < 0.5 ? spentNow() : budget) * (0.2 + 0.8 * random()));
    const before = spentNow();
    const { spent, withdrawn } = await set(handle, lowered);
    if (withdrawn === undefined) broken.push(`moment ${number}: no word of what is in flight`);
    // On a busy machine not all may answer in time; of a batch the answer then holds its grant, of a workflow nothing.
    if (withdrawn?.silent.some(({ batch }) => batch === undefined) === true) {
      unanswered++;
      most = Number.POSITIVE_INFINITY;
      return lowered;
    }
    most = Math.max(lowered, spent.usd + (withdrawn?.inFlight.usd ?? 0));
    if (spent.usd + (withdrawn?.inFlight.usd ?? 0) < before - 1e-9) broken.push(`moment ${number}: ${before} was spent, not ${spent.usd}`);
    check(`after moment ${number}`);
    return lowered;
  }

  const handle = await environment().client.workflow.start(experiment, {
    workflowId: 'moments',
    taskQueue: TASK_QUEUES.orchestration,
    args: [spec],
  });
  let budget = 3;
  for (let number = 0; number < MOMENTS;) {
    const draining = new AbortController();
    await withWorkers(environment(), { ...deps, draining: draining.signal }, async () => {
      for (let each = 0; each < MOMENTS_A_WORKER && number < MOMENTS; each++) budget = await moment(handle, ++number, budget);
      draining.abort();
    });
  }
  expect(broken).toEqual([]);
  expect(unanswered).toBeLessThan(MOMENTS / 4);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  most = Number.POSITIVE_INFINITY;
  await withWorkers(environment(), deps, async () => {
    await set(handle, null);
    expect((await handle.result()).replayRows).toBe(400);
  });
  expect(endpoint.paidTwice()).toHaveLength(0);
  await endpoint.close();
  rmSync(deps.root, { recursive: true });
}, 900_000);
