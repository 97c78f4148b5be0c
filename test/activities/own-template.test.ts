import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities';
import { extractionBatch } from '../../activities/extract';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import type { RunOutline } from '../../contract/run';
import type { RunPlan } from '../../stages/run-plan';
import { play } from '../support/exchanges';
import { useFakeEndpoint } from '../support/fake-endpoint';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { LLAMA32, QWEN25 } from '../support/model-descriptions';
import { tokenizerFiles, writeFiles, type TokenizerDescription } from '../support/model-files';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { testDeps } from '../support/temporal';

const temp = useTempFolder();
const endpoint = useFakeEndpoint();
let deps: ReturnType<typeof testDeps>;

beforeEach(() => {
  deps = { ...testDeps({ python: fakePythonJobs(), root: join(temp(), 'store') }), env: { HF_HUB_OFFLINE: '1', HF_HOME: temp() } };
});

/** A spec whose target has weights with these tokenizer files, and no template. */
function specWith(description: TokenizerDescription): RunSpec {
  const weights = writeFiles(join(temp(), 'weights'), tokenizerFiles(description));
  return smallSpec(endpoint().baseURL, (input) => {
    delete input.models['target']!.template;
    input.target = { model: 'target', weights };
  });
}

async function prepare(spec: RunSpec, runId = 'run'): Promise<RunOutline> {
  return await new MockActivityEnvironment().run(async () => await createActivities(deps).prepareRun({ runId, spec }));
}

async function planOf(outline: RunOutline): Promise<RunPlan> {
  return await deps.plans.load(outline.plan);
}

test('the chat template that a run uses is read when it starts, and is in its plan', async () => {
  const spec = specWith(QWEN25);
  const { content } = await planOf(await prepare(spec));
  expect(content.templates?.['target']).toMatchObject({
    source: { kind: 'directory', place: spec.target.weights },
    stop: ['<|im_end|>', '<|endoftext|>', '<|im_start|>'],
  });
  expect(Object.keys(content.templates ?? {})).toEqual(['target']); // the others have the spec's
});

test('a spec that names its formats has no template in its plan', async () => {
  const weights = writeFiles(join(temp(), 'weights'), tokenizerFiles(QWEN25));
  const spec = smallSpec(endpoint().baseURL, (input) => (input.target = { model: 'target', weights }));
  expect((await planOf(await prepare(spec))).content).not.toHaveProperty('templates');
});

test('the date that a template is told stays that of the first start, and is part of the key', async () => {
  jest.useFakeTimers({
    now: new Date('2026-11-28T22:00:00Z'),
    doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'setInterval', 'performance', 'queueMicrotask'],
  });
  try {
    const spec = specWith(LLAMA32);
    const first = await planOf(await prepare(spec));
    expect(first.content.templates?.['target']?.preQuery).toContain('Today Date: 28 Nov 2026');
    jest.setSystemTime(new Date('2026-11-30T08:00:00Z'));
    expect((await planOf(await prepare(spec))).keys).toEqual(first.keys);
    const other = await planOf(await prepare(spec, 'another'));
    expect(other.content.templates?.['target']?.preQuery).toContain('Today Date: 30 Nov 2026');
    expect(other.keys.extract).not.toBe(first.keys.extract);
  } finally {
    jest.useRealTimers();
  }
});

test('a run whose template cannot be read ends before a call, with the way out', async () => {
  const spec = specWith(QWEN25);
  rmSync(join(spec.target.weights!, 'chat_template.jinja'));
  await expect(prepare(spec)).rejects.toMatchObject({
    type: 'SpecError',
    nonRetryable: true,
    message: expect.stringMatching(
      /^models\.target\.template: got nothing, expected a model with a chat template that can be read \(.+ has no chat template .+\); name a directory, a hub id or a GGUF file that has it under models\.target\.tokenizer, or its format under models\.target\.template/,
    ),
  });
  expect(endpoint().requests).toEqual([]);
});

test('a hub that cannot be asked is tried again, and not for ever', async () => {
  const spec = smallSpec(endpoint().baseURL, (input) => void delete input.models['target']!.template);
  const attempt = async (number: number): Promise<unknown> =>
    await new MockActivityEnvironment({ attempt: number })
      .run(async () => await createActivities(deps).prepareRun({ runId: 'run', spec }))
      .catch((error: unknown) => error);
  expect(await attempt(1)).toMatchObject({ type: 'TemplateNotReadError', nonRetryable: false });
  expect(await attempt(5)).toMatchObject({
    type: 'TemplateNotReadError',
    nonRetryable: true,
    message: expect.stringMatching(/^models\.target\.template: its own chat template was not read: org\/target-model is not in the cache/),
  });
});

test('a run that is started again needs no hub for what it has read', async () => {
  const spec = smallSpec(endpoint().baseURL, (input) => void delete input.models['target']!.template);
  const snapshot = join(temp(), 'hub', 'models--org--target-model', 'snapshots', 'abc');
  writeFiles(snapshot, tokenizerFiles(QWEN25));
  const first = await prepare(spec);
  rmSync(snapshot, { recursive: true });
  expect(await prepare(spec)).toEqual(first);
});

test('extraction asks for what the template says, with the fields that the server is known to take', async () => {
  const outline = await prepare(specWith(QWEN25));
  await new MockActivityEnvironment().run(
    async () => await createActivities(deps).extractShard({ runId: 'run', plan: outline.plan, shard: 0 }),
  );
  const sent = endpoint().requests.filter(({ path }) => path === 'completions');
  expect(sent.length).toBeGreaterThanOrEqual(3);
  for (const { body } of sent) {
    expect(body).toMatchObject({ prompt: expect.stringMatching(/^<\|im_start\|>system\nYou are Qwen/) });
    expect(body).not.toHaveProperty('top_k'); // this server says nothing of its engine
  }
});

test('a server whose engine is known gets its fields, also where the spec names the format', async () => {
  const weights = writeFiles(join(temp(), 'weights'), tokenizerFiles(QWEN25));
  const named = (model: Omit<RunSpecInput['models'][string], 'model' | 'template'>): RunSpec =>
    smallSpec(endpoint().baseURL, (input) => {
      input.target = { model: 'target', weights };
      input.models['target'] = { ...model, model: 'target', template: 'chatml' };
    });
  const bodyOf = async (spec: RunSpec): Promise<unknown> => {
    const plan = await planOf(await prepare(spec));
    const { items } = await extractionBatch(deps, plan, plan.shards[0]!).items();
    return play(items[0]!, []).requests[0]!.body;
  };
  const fields = { top_k: -1, min_p: 0, repetition_penalty: 1, skip_special_tokens: false };
  expect(await bodyOf(named({ serve: { engine: 'vllm' } }))).toMatchObject(fields);
  expect(await bodyOf(named({ serve: { engine: 'transformers', weights } }))).not.toHaveProperty('top_k');
  expect(await bodyOf(named({ baseURL: endpoint().baseURL }))).not.toHaveProperty('top_k'); // it says nothing of its engine

  const users = createServer((_, response) => response.end('{"data": [{"id": "target", "owned_by": "vllm"}]}')).listen(0, '127.0.0.1');
  await once(users, 'listening');
  const { port } = users.address() as AddressInfo;
  expect(await bodyOf(named({ baseURL: `http://127.0.0.1:${port}/v1` }))).toMatchObject(fields);
  await new Promise((closed) => users.close(closed));
});
