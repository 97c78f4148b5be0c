import { rmSync } from 'node:fs';
import { WorkflowFailedError } from '@temporalio/client';
import type { ActivityDeps } from '../../activities/deps';
import type { RunSpecInput } from '../../config/spec';
import { controlQuery, resumeAnywayUpdate, resumeUpdate } from '../../contract/control';
import { failureOfType } from '../../contract/failures';
import { TASK_QUEUES } from '../../contract/task-queues';
import { experiment } from '../../workflows';
import { until } from '../support/control';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { type CompletionBody, defaultReply } from '../support/fake-replies';
import { smallSpec } from '../support/small-spec';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
let endpoint: FakeEndpoint;
let deps: ActivityDeps & { readonly root: string };

/** Whether a request asks the model "other" for a response, and not for a judgment. */
function isAnswer(path: string, body: CompletionBody): boolean {
  return path === 'chat/completions' && body.model === 'other' && !JSON.stringify(body.messages).includes('Score: <rating>');
}

/** A generator that thinks until it is cut, beside one that answers. */
beforeEach(async () => {
  deps = testDeps({ python: fakePythonJobs() });
  endpoint = await FakeEndpoint.start({
    reply: (path, body, sample) =>
      isAnswer(path, body) ? { text: '<think>The user wants', finishReason: 'length' } : defaultReply(path, body, sample),
  });
});

afterEach(async () => {
  await endpoint.close();
  rmSync(deps.root, { recursive: true });
});

async function start(workflowId: string, change: (spec: RunSpecInput) => void) {
  const spec = smallSpec(endpoint.baseURL, (draft) => {
    draft.variants = ['official'];
    change(draft);
  });
  return await environment().client.workflow.start(experiment, {
    workflowId,
    taskQueue: TASK_QUEUES.orchestration,
    args: [spec, { limits: {}, probe: false }],
  });
}

async function failure(handle: Awaited<ReturnType<typeof start>>): Promise<Error> {
  return await handle.result().then(
    () => {
      throw new Error('it succeeded');
    },
    (error: unknown) => error as Error,
  );
}

test('a model whose first twenty items are unusable pauses the run until somebody says to go on anyway; it fails without a replay row', async () => {
  await withWorkers(environment(), deps, async () => {
    const handle = await start('thinking', (spec) => {
      spec.synthesis.extract.instructions = 40;
      spec.synthesis.shardSize = 20;
      for (const model of Object.values(spec.models)) model.limits = { concurrency: 64 };
    });
    const paused = async () =>
      await until(async () => {
        const state = await handle.query(controlQuery);
        return state.paused ? state : undefined;
      });
    expect(await paused()).toMatchObject({
      pausedBy: 'replies',
      reason: expect.stringMatching(
        /^model "other" at .*: all of the first \d+ items of respond came out unusable \(unfinished thinking: \d+\); the last time came back "<think>The user wants" with finish_reason length; give its thoughts room with models\.other\.thinking\.maxTokens/,
      ) as string,
    });
    await until(async () => (endpoint.requests.every(({ answered }) => answered) ? true : undefined));
    const answers = (): number => endpoint.requests.filter(({ path, body }) => isAnswer(path, body)).length;
    const paid = answers();
    expect(paid).toBe(20 * 3); // of 80 items that have room at the endpoint

    await handle.executeUpdate(resumeUpdate);
    await paused();
    expect(answers()).toBe(paid);

    expect(await handle.executeUpdate(resumeAnywayUpdate)).toMatchObject({ paused: false });
    const error = await failure(handle);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(failureOfType(error, 'NoReplayRowsError')?.message).toBe(
      'no row of the replay set came of 40 instructions: respond by other lacks 80 of 80, judge by target lacks 80 of 160, judge by other lacks 80 of 160; ' +
        'see why each was lost: npx rehearse export thinking --stage failures',
    );
    expect(answers()).toBe(40 * 2 * 3);
    expect(endpoint.paidTwice()).toEqual([]);
    expect((await deps.plans.findSettings('thinking'))?.anyway).toBe(true);
  });
}, 240_000);

test('a run with fewer items than it takes to be alarmed fails all the same when nothing comes of it', async () => {
  await withWorkers(environment(), deps, async () => {
    const handle = await start('short', (spec) => (spec.synthesis.extract.instructions = 4));
    expect(failureOfType(await failure(handle), 'NoReplayRowsError')?.message).toContain('no row of the replay set came of 4 instructions');
  });
}, 240_000);
