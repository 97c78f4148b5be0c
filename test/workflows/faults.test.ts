import { rmSync } from 'node:fs';
import { TASK_QUEUES } from '../../contract/task-queues';
import { createRandom } from '../../method/random';
import type { ReplayRow } from '../../method/records';
import { selectStage } from '../../stages/select';
import { experiment } from '../../workflows';
import { FakeEndpoint, type Fault, type FakeEndpointOptions } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();

const SOON = { 'retry-after-ms': '5' };
const FAULTS: readonly Fault[] = [
  { kind: 'status', status: 429, headers: SOON },
  { kind: 'status', status: 429, headers: { 'retry-after': 'soon' } },
  { kind: 'status', status: 500, headers: SOON },
  { kind: 'status', status: 502, body: '<html>Bad Gateway</html>', headers: { 'content-type': 'text/html' } },
  { kind: 'status', status: 503, headers: { 'retry-after': '0.01' } },
  { kind: 'status', status: 529, headers: SOON },
  { kind: 'reset' },
  { kind: 'cut-headers' },
  { kind: 'cut-body' },
  { kind: 'truncated-json' },
  { kind: 'hang' },
  { kind: 'slow-body' },
  { kind: 'body', body: '<html>One moment</html>', contentType: 'text/html' },
  { kind: 'body', body: '{"error":{"code":503,"message":"upstream is busy"}}' },
];

/** The replay set of a run against an endpoint, and what the endpoint saw. */
async function replaySet(
  runId: string,
  options: FakeEndpointOptions,
): Promise<{ readonly rows: readonly ReplayRow[]; readonly answered: number; readonly faults: number }> {
  const endpoint = await FakeEndpoint.start(options);
  const deps = testDeps({ python: fakePythonJobs() });
  try {
    const spec = smallSpec(endpoint.baseURL, ({ models }) => {
      for (const model of Object.values(models)) model.limits = { concurrency: 4, timeoutMs: 3_000 };
    });
    return await withWorkers(environment(), deps, async () => {
      await environment().client.workflow.execute(experiment, { workflowId: runId, taskQueue: TASK_QUEUES.orchestration, args: [spec] });
      const plan = await deps.plans.load((await deps.plans.findRun(runId))?.plan ?? '');
      const rows: ReplayRow[] = [];
      for (const shard of plan.shards) {
        const manifest = await deps.stages.latest(selectStage.at(plan, shard));
        if (manifest !== undefined) rows.push(...(await deps.stages.readRows(manifest)));
      }
      expect(endpoint.paidTwice()).toEqual([]);
      return {
        rows,
        answered: endpoint.requests.filter(({ answered }) => answered).length,
        faults: endpoint.requests.filter(({ answered }) => !answered).length,
      };
    });
  } finally {
    await endpoint.close();
    rmSync(deps.root, { recursive: true });
  }
}

test('a run whose endpoint fails in every passing way makes the replay set of one whose endpoint is well, and pays for nothing twice', async () => {
  const healthy = await replaySet('healthy', {});
  const random = createRandom(20_261_122);
  const faulty = await replaySet('faulty', { faultOf: () => (random.below(100) < 30 ? FAULTS[random.below(FAULTS.length)] : undefined) });
  expect(healthy.rows).toHaveLength(8);
  expect(faulty.rows).toEqual(healthy.rows);
  expect(faulty.answered).toBe(healthy.answered);
  expect(faulty.faults).toBeGreaterThan(FAULTS.length);
}, 240_000);
