import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { previewSynthesis } from '../../activities/preview';
import { engineAt } from '../../services/endpoints/engine';
import { ensureModel, type LocalModel } from '../../services/local/local-model';
import { createModelServers } from '../../services/local/model-server';
import { ensurePython } from '../../services/local/python-environment';
import { checkSpecFiles } from '../../services/runs/spec-files';
import { readTemplate } from '../../services/tokenizers/read-template';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { quietReporter, testDeps } from '../support/temporal';

const temp = useTempFolder();
let python: Awaited<ReturnType<typeof ensurePython>>;
let model: LocalModel;

beforeAll(async () => {
  python = await ensurePython(quietReporter);
  model = await ensureModel(quietReporter, python);
}, 900_000);

/** Serves the small model with llama.cpp around `body`, which is given its address. */
async function whileServed<T>(body: (baseURL: string) => Promise<T>): Promise<T> {
  const servers = createModelServers({ host: '127.0.0.1', environment: async () => python });
  const stop = new AbortController();
  let up: (baseURL: string) => void = () => undefined;
  const ready = new Promise<string>((resolve) => (up = resolve));
  const served = servers.serve({
    alias: 'small',
    serve: { engine: 'llama.cpp', args: ['--parallel', '2', '--threads', '1', '--context-tokens', '1024'] },
    weights: model.gguf,
    logFile: join(temp(), 'serve.log'),
    stop: stop.signal,
    onReady: async (baseURL) => up(baseURL),
    onState: () => undefined,
  });
  served.catch(() => undefined);
  try {
    return await body(await Promise.race([ready, served]));
  } finally {
    stop.abort();
    await served.catch(() => undefined);
  }
}

test('a real model is extracted, answers and judges with the chat template that was read from its weights', async () => {
  await whileServed(async (baseURL) => {
    const spec = smallSpec(baseURL, (input) => {
      input.models = { target: { baseURL, model: 'small', limits: { concurrency: 2 } } };
      input.target = { model: 'target', weights: model.weightsDir };
      input.synthesis = {
        extract: { instructions: 2, acceptTruncated: true, maxAttempts: 8, sampling: { temperature: 0.9, maxTokens: 24 } },
        respond: { generators: ['target'], samples: 1, sampling: { maxTokens: 16 } },
        judge: { judges: ['target'], scoring: 'expected', sampling: { temperature: 1, maxTokens: 4 } },
      };
      input.mix = { ...input.mix, newShare: 0.4 };
      input.variants = ['official'];
    });
    const { templates } = await checkSpecFiles(spec, { env: {} });
    const own = templates['target']!;
    expect((await readTemplate({ place: model.gguf }, { date: '2026-11-28', env: {} })).identities).toEqual(own.identities);
    expect(await engineAt({ name: 'target', model: spec.models['target']!, env: {}, timeoutMs: 10_000 })).toBe('llama.cpp');

    // What llama.cpp itself renders of the template in the GGUF file.
    const reply = await fetch(new URL('/apply-template', baseURL), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Why?' }] }),
    });
    expect(await reply.json()).toEqual({ prompt: `${own.preQuery}Why?${own.generationPrompt}` });

    const deps = testDeps({ python: fakePythonJobs() });
    const stages: string[] = [];
    const made = await previewSynthesis(deps, spec, {
      instructions: 2,
      templates,
      stop: new AbortController().signal,
      onStage: (stage) => stages.push(stage),
    });
    expect(stages).toEqual(['extract', 'respond', 'judge']);
    expect(made.instructions.length).toBeGreaterThan(0);
    for (const { text } of made.instructions) expect(text).not.toMatch(/<\|im_|^assistant$/m);
    expect(made.responses).toHaveLength(made.instructions.length);
    expect(made.judgments.map(({ score }) => score)).not.toContain(null);
    rmSync(deps.root, { recursive: true });
  });
}, 300_000);
