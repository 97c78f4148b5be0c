import { rmSync } from 'node:fs';
import { failureSentence } from '../../cli/terminal/failure-sentence';
import type { RunSpec } from '../../config/spec';
import { looksLikePath } from '../../config/weights';
import { TASK_QUEUES } from '../../contract/task-queues';
import { ensureModel } from '../../services/local/local-model';
import { createModelServers, type ModelServers } from '../../services/local/model-server';
import { ensurePython } from '../../services/local/python-environment';
import { createWeightsResolver, type WeightsResolver } from '../../services/training/weights';
import { experiment } from '../../workflows';
import { until } from '../support/control';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { processes } from '../support/processes';
import { RecordingProxy } from '../support/recording-proxy';
import { smallSpec } from '../support/small-spec';
import { quietReporter, testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
let python: Awaited<ReturnType<typeof ensurePython>>;
let gguf: string;
let proxy: RecordingProxy;

beforeAll(async () => {
  python = await ensurePython(quietReporter);
  ({ gguf } = await ensureModel(quietReporter, python));
}, 900_000);

beforeEach(async () => {
  proxy = await RecordingProxy.start();
});

afterEach(async () => {
  await proxy.close();
});

const CONCURRENCY = 2;

/** As of a worker for what lies on this machine; the target is of a hub that is not there. */
const weights: WeightsResolver = {
  async resolve(name, revision) {
    const real = createWeightsResolver(async (builtin) => builtin);
    return looksLikePath(name) ? await real.resolve(name, revision) : { path: name, identity: name };
  },
};

/** Two instructions, two answers to each, judged by the model itself: all of it asked of a server that the run brings. */
function servedSpec(alias: string, weights: string): RunSpec {
  return smallSpec('http://127.0.0.1:1/v1', (spec) => {
    spec.models = {
      target: {
        model: alias,
        template: 'smollm2-system',
        supportsN: false,
        limits: { concurrency: CONCURRENCY },
        serve: { engine: 'llama.cpp', weights, args: ['--parallel', String(CONCURRENCY), '--threads', '1', '--context-tokens', '1024'] },
      },
    };
    spec.synthesis = {
      extract: { instructions: 2, acceptTruncated: true, maxAttempts: 8, sampling: { temperature: 0.9, maxTokens: 24 } },
      respond: { generators: ['target'], samples: 2, sampling: { maxTokens: 16 } },
      judge: { judges: ['target'], scoring: 'expected', sampling: { temperature: 1, maxTokens: 4 } },
    };
    spec.mix = { ...spec.mix, newShare: 0.4 };
    spec.variants = ['official'];
    spec.evaluate = { tasks: [{ task: 'ifeval' }] };
  });
}

test('a real model is served for its run, comes back after kill -9 with nothing answered being asked again, and is gone at the end', async () => {
  const alias = `served-for-${process.pid}`;
  const states: string[] = [];
  const real = createModelServers({ host: '127.0.0.1', environment: async () => python });
  const servers: ModelServers = {
    serve: async (model) =>
      await real.serve({
        ...model,
        onReady: async (baseURL) => await model.onReady(proxy.to(baseURL)),
        onState: (state) => {
          states.push(state);
          model.onState(state);
        },
      }),
  };
  const deps = { ...testDeps({ python: fakePythonJobs(), servers }), weights };
  const result = await withWorkers(environment(), deps, async () => {
    const handle = await environment().client.workflow.start(experiment, {
      workflowId: alias,
      taskQueue: TASK_QUEUES.orchestration,
      args: [servedSpec(alias, gguf)],
    });
    // Killed with some answered and others at work.
    await until(async () => (proxy.answered.length >= 4 && proxy.inFlight > 0 ? true : undefined));
    const [, server] = processes('--alias', alias); // the first keeps it
    process.kill(server!, 'SIGKILL');
    return await handle.result();
  });

  expect(states).toEqual(['loading', 'up', 'restarting', 'loading', 'up']);
  expect(result.replayRows).toBe(2);
  const bodies = proxy.answered.map(({ path, body }) => `${path} ${body}`); // with seeds: no two are alike
  expect(bodies.filter((body, index) => bodies.indexOf(body) !== index)).toEqual([]);
  const lost = proxy.requests.filter(({ status }) => status === undefined);
  expect(lost.length).toBeGreaterThan(0);
  expect(lost.every(({ path, body }) => bodies.includes(`${path} ${body}`))).toBe(true); // asked again, and answered
  expect(processes('--alias', alias)).toEqual([]);
  rmSync(deps.root, { recursive: true });
}, 600_000);

test('a run whose model cannot be served fails with the reason, before anything is asked', async () => {
  const alias = `unserved-for-${process.pid}`;
  const servers = createModelServers({ host: '127.0.0.1', environment: async () => python });
  const deps = { ...testDeps({ python: fakePythonJobs(), servers }), weights };
  const failure = await withWorkers(
    environment(),
    deps,
    async () =>
      await environment()
        .client.workflow.execute(experiment, {
          workflowId: alias,
          taskQueue: TASK_QUEUES.orchestration,
          args: [servedSpec(alias, __filename)],
        })
        .catch((error: unknown) => error),
  );
  const sentence = failureSentence(failure);
  expect(sentence).toContain(`the server of ${alias} (llama.cpp) ended with exit code 78 before it answered`);
  expect(sentence).toContain('then go on with "npx rehearse resume"');
  expect(sentence).toMatch(/served-model\.test\.ts is no GGUF file$/);
  rmSync(deps.root, { recursive: true });
}, 240_000);
