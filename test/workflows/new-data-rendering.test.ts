import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { failureSentence } from '../../cli/terminal/failure-sentence';
import type { RunSpec } from '../../config/spec';
import { TASK_QUEUES } from '../../contract/task-queues';
import { ensureModel } from '../../services/local/local-model';
import { ensurePython } from '../../services/local/python-environment';
import { createPythonJobs, PythonJobError, type PythonJobs } from '../../services/python/python-jobs';
import { experiment } from '../../workflows';
import { FakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs, type RecordedJob } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { quietReporter, testDeps, useTemporal, withWorkers } from '../support/temporal';

/** As Gemma's: no system message, and user and model in turn. */
const STRICT =
  "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" +
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}' +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';
const SMALL_FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];

const environment = useTemporal();
let endpoint: FakeEndpoint;
let real: PythonJobs;
let folder: string;
let weights: string;

beforeAll(async () => {
  endpoint = await FakeEndpoint.start();
  const python = await ensurePython(quietReporter);
  const { weightsDir } = await ensureModel(quietReporter, python);
  folder = mkdtempSync(join(tmpdir(), 'rehearse-rendering-'));
  weights = join(folder, 'weights');
  mkdirSync(weights);
  for (const name of SMALL_FILES) cpSync(join(weightsDir, name), join(weights, name));
  writeFileSync(join(weights, 'chat_template.jinja'), STRICT);
  real = createPythonJobs({ environment: async () => await Promise.resolve(python) });
}, 900_000);

afterAll(async () => {
  await endpoint.close();
  rmSync(folder, { recursive: true, force: true });
});

function specWith(name: string, system: boolean): RunSpec {
  const turns = [
    { role: 'user', content: 'Name a bread.' },
    { role: 'assistant', content: 'Rye.' },
  ];
  const newData = join(folder, `${name}.jsonl`);
  const rows = [turns, turns, system ? [{ role: 'system', content: 'Be brief.' }, ...turns] : turns, turns];
  writeFileSync(newData, rows.map((messages) => `${JSON.stringify({ messages })}\n`).join(''));
  return smallSpec(endpoint.baseURL, (spec) => {
    spec.target.weights = weights;
    delete spec.target.revision;
    spec.mix!.newData = newData;
    spec.variants = ['method'];
    spec.evaluate = { tasks: [{ task: 'ifeval' }] };
  });
}

async function run(
  name: string,
  python: PythonJobs,
  { system }: { readonly system: boolean },
): Promise<{ failure?: unknown; root: string }> {
  const deps = testDeps({ python });
  return await withWorkers(environment(), deps, async () => {
    const { client } = environment();
    const args: [RunSpec] = [specWith(name, system)];
    try {
      await client.workflow.execute(experiment, { workflowId: name, taskQueue: TASK_QUEUES.orchestration, args });
      return { root: deps.root };
    } catch (failure) {
      return { failure, root: deps.root };
    }
  });
}

test("a line of the new data that the target's own template does not take ends the run before anything is asked of a model", async () => {
  const jobs: RecordedJob[] = [];
  const fake = fakePythonJobs(jobs);
  const python: PythonJobs = { run: async (job) => await (job.command === 'render' ? real : fake).run(job) };
  const { failure, root } = await run('with-system', python, { system: true });
  const sentence = failureSentence(failure);
  expect(sentence).toContain('1 of the 4 conversations of');
  expect(sentence).toContain('with-system.jsonl cannot be trained on with the chat template of');
  expect(sentence).toContain('line 3: the template refuses it (System role not supported)');
  expect(endpoint.requests).toEqual([]);
  expect(jobs).toEqual([]);
  rmSync(root, { recursive: true });
}, 240_000);

test('new data that it takes are rendered once, from the copy that every worker of the run finds', async () => {
  const rendered: RecordedJob[] = [];
  const fake = fakePythonJobs();
  const python: PythonJobs = {
    run: async (job) => {
      if (job.command !== 'render') return await fake.run(job);
      rendered.push({ command: job.command, spec: { ...job.spec } });
      return await real.run(job);
    },
  };
  const { failure, root } = await run('without-system', python, { system: false });
  expect(failure).toBeUndefined();
  expect(rendered).toEqual([
    {
      command: 'render',
      spec: expect.objectContaining({
        weights,
        revision: null,
        named: join(folder, 'without-system.jsonl'),
        conversations: join(root, 'new-data', readdirSync(join(root, 'new-data'))[0]!),
        tasks: [expect.objectContaining({ task: 'ifeval' })],
      }) as unknown,
    },
  ]);
  rmSync(root, { recursive: true });
}, 240_000);

const WITHOUT_GPU = ['orchestration', 'llm', 'cpu'] as const;

test('where no gpu worker is there yet a cpu worker renders them, before anything is asked of a model', async () => {
  const deps = testDeps({ python: real });
  const asked = endpoint.requests.length;
  await withWorkers(
    environment(),
    deps,
    async () => {
      const args: [RunSpec] = [specWith('only-cpu', true)];
      const { client } = environment();
      const failure: unknown = await client.workflow
        .execute(experiment, { workflowId: 'only-cpu', taskQueue: TASK_QUEUES.orchestration, args })
        .catch((error: unknown) => error);
      expect(failureSentence(failure)).toContain('line 3: the template refuses it (System role not supported)');
    },
    [...WITHOUT_GPU],
  );
  expect(endpoint.requests.length).toBe(asked);
  rmSync(deps.root, { recursive: true });
}, 240_000);

test('a run begins without the check where no gpu worker is there and the cpu worker has no Python', async () => {
  const deps = testDeps({ python: fakePythonJobs(), hasPython: async () => await Promise.resolve(false) });
  const asked = endpoint.requests.length;
  await withWorkers(
    environment(),
    deps,
    async () => {
      const args: [RunSpec] = [specWith('no-gpu', true)];
      const handle = await environment().client.workflow.start(experiment, {
        workflowId: 'no-gpu',
        taskQueue: TASK_QUEUES.orchestration,
        args,
      });
      await endpoint.received(asked + 1);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    },
    [...WITHOUT_GPU],
  );
  rmSync(deps.root, { recursive: true });
}, 240_000);

test('a hub that is away keeps no run from beginning', async () => {
  const fake = fakePythonJobs();
  const python: PythonJobs = {
    run: async (job) => {
      if (job.command === 'render') throw new PythonJobError('hub_unreachable', 'the hub does not answer');
      return await fake.run(job);
    },
  };
  const { failure, root } = await run('hub-away', python, { system: false });
  expect(failure).toBeUndefined();
  rmSync(root, { recursive: true });
}, 240_000);
