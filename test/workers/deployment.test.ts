import { temporal } from '@temporalio/proto';
import { TASK_QUEUES } from '../../contract/task-queues';
import { workerFactories } from '../../workers';
import { workerDeployment } from '../../workers/deployment';
import { experiment } from '../../workflows';
import { until } from '../support/control';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { testDeps, useTemporal, workflowBundle } from '../support/temporal';

const environment = useTemporal();
const endpoint = useFakeEndpoint();
const folder = useTempFolder();

test('workers have no version unless a deployment is named; its build is the release, or what is said', () => {
  expect(workerDeployment({}, '1.0.0')).toBeUndefined();
  expect(workerDeployment({ REHEARSE_DEPLOYMENT: 'rehearse' }, '1.0.0')?.version).toEqual({ deploymentName: 'rehearse', buildId: '1.0.0' });
  expect(workerDeployment({ REHEARSE_DEPLOYMENT: 'rehearse', REHEARSE_BUILD_ID: 'abc' }, '1.0.0')?.version.buildId).toBe('abc');
  expect(() => workerDeployment({ REHEARSE_BUILD_ID: 'abc' }, '1.0.0')).toThrow(/without REHEARSE_DEPLOYMENT/);
  expect(() => workerDeployment({ REHEARSE_DEPLOYMENT: 'a.b' }, '1.0.0')).toThrow(/may not hold a point/);
});

test('a run of workers with a version waits for that version to be made current, then goes to its end, shards pinned to it', async () => {
  const deployment = workerDeployment({ REHEARSE_DEPLOYMENT: 'rehearse', REHEARSE_BUILD_ID: 'one' }, '1.0.0');
  const { client, nativeConnection } = environment();
  const setting = {
    connection: nativeConnection,
    namespace: 'default',
    deps: testDeps({ python: fakePythonJobs(), root: folder() }),
    workflowBundle: await workflowBundle(),
    deployment,
  };
  const workers = await Promise.all(Object.values(workerFactories).map(async (create) => await create(setting)));
  const running = Promise.all(workers.map(async (worker) => await worker.run()));
  try {
    const handle = await client.workflow.start(experiment, {
      workflowId: 'versioned',
      taskQueue: TASK_QUEUES.orchestration,
      args: [smallSpec(endpoint().baseURL)],
    });
    // The server learns of the version from its workers' first polls; what "temporal worker deployment set-current-version" sends.
    await until(async () =>
      client.workflowService
        .setWorkerDeploymentCurrentVersion({
          namespace: 'default',
          deploymentName: 'rehearse',
          buildId: 'one',
          identity: 'test',
          ignoreMissingTaskQueues: true,
        })
        .then(
          () => true as const,
          () => undefined,
        ),
    );
    expect((await handle.result()).replayRows).toBe(8);
    const behaviourOf = async (workflowId: string): Promise<unknown> =>
      (await client.workflow.getHandle(workflowId).describe()).raw.workflowExecutionInfo?.versioningInfo?.behavior;
    const { VERSIONING_BEHAVIOR_AUTO_UPGRADE, VERSIONING_BEHAVIOR_PINNED } = temporal.api.enums.v1.VersioningBehavior;
    expect(await behaviourOf('versioned')).toBe(VERSIONING_BEHAVIOR_AUTO_UPGRADE);
    expect(await behaviourOf('versioned/shard-00000')).toBe(VERSIONING_BEHAVIOR_PINNED);
  } finally {
    for (const worker of workers) worker.shutdown();
    await running;
  }
});
