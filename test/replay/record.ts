import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';
import { TASK_QUEUES } from '../../config/task-queues';
import { experiment } from '../../workflows';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { startTemporal, testDeps, withWorkers } from '../support/temporal';

/** A history as plain JSON: enums by name, bytes as base64. `History.fromObject` reads it back. */
function asJson(history: temporal.api.history.v1.IHistory): Record<string, unknown> {
  const { History } = temporal.api.history.v1;
  return History.toObject(History.fromObject(history), { enums: String, longs: String, bytes: String });
}

/** Records a history of each workflow type anew, when the workflows were changed on purpose: `REHEARSE_RECORD=1 npm test -- test/replay`. */
export async function record(): Promise<void> {
  const environment = await startTemporal();
  const endpoint = await FakeEndpoint.start();
  try {
    await withWorkers(environment, testDeps({ python: fakePythonJobs() }), async () => {
      await environment.client.workflow.execute(experiment, {
        workflowId: 'recorded', taskQueue: TASK_QUEUES.orchestration, args: [smallSpec(endpoint.baseURL)],
      });
    });
    const ids = {
      'experiment.completed': 'recorded', 'synthesis.completed': 'recorded/synthesis', 'synthesizeShard.completed': 'recorded/shard-00000',
      'variant.official': 'recorded/variant-official', 'variant.method': 'recorded/variant-method',
    };
    for (const [name, workflowId] of Object.entries(ids)) {
      const history = await environment.client.workflow.getHandle(workflowId).fetchHistory();
      writeFileSync(join(__dirname, 'histories', `${name}.json`), `${JSON.stringify(asJson(history), null, 1)}\n`);
    }
  } finally {
    await endpoint.close();
    await environment.teardown();
  }
}
