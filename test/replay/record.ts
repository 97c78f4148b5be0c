import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { controlQuery, pauseUpdate, resumeUpdate, setBudgetUpdate, setLimitsUpdate } from '../../contract/control';
import { TASK_QUEUES } from '../../contract/task-queues';
import { experiment } from '../../workflows';
import { TEST_PRICE } from '../support/billed';
import { until } from '../support/control';
import { FakeEndpoint } from '../support/fake-endpoint';
import { FakeFineTuning } from '../support/fake-fine-tuning';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { startTemporal, testDeps, withWorkers } from '../support/temporal';

/** A history as plain JSON: enums by name, bytes as base64. `History.fromObject` reads it back. */
function asJson(history: temporal.api.history.v1.IHistory): Record<string, unknown> {
  const { History } = temporal.api.history.v1;
  return History.toObject(History.fromObject(history), { enums: String, longs: String, bytes: String });
}

function write(name: string, history: temporal.api.history.v1.IHistory): void {
  writeFileSync(join(__dirname, 'histories', `${name}.json`), `${JSON.stringify(asJson(history), null, 1)}\n`);
}

/** A run whose budget is reached and raised, and which is given other limits and paused on its way. */
async function steered({ client }: TestWorkflowEnvironment, endpoint: FakeEndpoint): Promise<void> {
  const spec = smallSpec(endpoint.baseURL, (draft) => {
    for (const model of Object.values(draft.models)) model.price = TEST_PRICE;
    draft.budget = { usd: 5 };
    draft.seed = 8; // nothing of it is stored yet
  });
  const handle = await client.workflow.start(experiment, { workflowId: 'steered', taskQueue: TASK_QUEUES.orchestration, args: [spec] });
  await until(async () => ((await handle.query(controlQuery)).paused ? true : undefined));
  await handle.executeUpdate(setLimitsUpdate, { args: [{ target: { concurrency: 2 } }] });
  await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'by hand' }] });
  await handle.executeUpdate(setBudgetUpdate, { args: [{ usd: 10 }] });
  await handle.executeUpdate(resumeUpdate);
  await until(async () => ((await handle.query(controlQuery)).paused ? true : undefined));
  await handle.executeUpdate(setBudgetUpdate, { args: [{ usd: null }] });
  await handle.result();
}

/** A run whose model its provider fine-tunes. */
async function fineTuned({ client }: TestWorkflowEnvironment, endpoint: FakeEndpoint): Promise<void> {
  const provider = await FakeFineTuning.start({ looksUntilDone: 0 });
  try {
    const spec = smallSpec(endpoint.baseURL, (draft) => {
      draft.models['closed'] = { baseURL: provider.baseURL, model: 'gpt-base' };
      draft.target = { model: 'target' };
      draft.train = { backend: 'openai', openai: { model: 'closed', pollSeconds: 1 } };
      draft.evaluate = { backend: 'openai', tasks: [{ task: 'ifeval' }] };
      draft.variants = ['method'];
    });
    await client.workflow.execute(experiment, { workflowId: 'fine-tuned', taskQueue: TASK_QUEUES.orchestration, args: [spec] });
  } finally {
    await provider.close();
  }
}

/** Records a history of each workflow type again, when the workflows were changed on purpose: `REHEARSE_RECORD=1 npm test -- test/replay`. */
export async function record(): Promise<void> {
  const environment = await startTemporal();
  const endpoint = await FakeEndpoint.start();
  try {
    await withWorkers(environment, testDeps({ python: fakePythonJobs() }), async () => {
      await environment.client.workflow.execute(experiment, {
        workflowId: 'recorded',
        taskQueue: TASK_QUEUES.orchestration,
        args: [smallSpec(endpoint.baseURL)],
      });
      await environment.client.workflow.execute(experiment, {
        workflowId: 'filtered',
        taskQueue: TASK_QUEUES.orchestration,
        args: [smallSpec(endpoint.baseURL, (spec) => (spec.synthesis.quality = { duplicates: {} }))],
      });
      await steered(environment, endpoint);
      await fineTuned(environment, endpoint);
    });
    const ids = {
      'experiment.completed': 'recorded',
      'synthesis.completed': 'recorded/synthesis',
      'synthesizeShard.completed': 'recorded/shard-00000',
      'variant.official': 'recorded/variant-official',
      'variant.method': 'recorded/variant-method',
      'variant.fine-tuned': 'fine-tuned/variant-method',
      'experiment.steered': 'steered',
      'synthesis.steered': 'steered/synthesis',
      'synthesizeShard.steered': 'steered/shard-00000',
      'synthesis.answering': 'filtered/synthesis',
      'synthesizeShard.extracting': 'filtered/extract-00000',
      'synthesizeShard.answering': 'filtered/shard-00000',
    };
    for (const [name, workflowId] of Object.entries(ids)) {
      write(name, await environment.client.workflow.getHandle(workflowId).fetchHistory());
    }
    // With filters synthesis continues as new after them.
    const answering = await environment.client.workflow.getHandle('filtered/synthesis').fetchHistory();
    const before = answering.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
    write('synthesis.filtering', await environment.client.workflow.getHandle('filtered/synthesis', before).fetchHistory());
  } finally {
    await endpoint.close();
    await environment.teardown();
  }
}
