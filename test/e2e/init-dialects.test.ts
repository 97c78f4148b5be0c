import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { registerInit } from '../../cli/commands/init';
import { CliError } from '../../cli/terminal/errors';
import { TASK_QUEUES } from '../../contract/task-queues';
import { Endpoints } from '../../services/endpoints/endpoints';
import { loadSpecFile } from '../../services/runs/spec-files';
import { experiment } from '../../workflows';
import { DialectServer } from '../support/dialect-server';
import { DIALECTS } from '../support/dialects';
import { documentedModels, keysOf } from '../support/documented-models';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { replayRowsOf } from '../support/run-end';
import { testDeps, useTemporal, withWorkers } from '../support/temporal';

const environment = useTemporal();
const MODELS = documentedModels();
const INSTRUCTIONS = 4;
const CONVERSATION = '{"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]}';

const folder = mkdtempSync(join(tmpdir(), 'rehearse-init-dialects-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Of each dialect, what becomes of a run whose one model, as `init` writes it, extracts, answers and judges. */
const ENDS: Readonly<Record<string, number | RegExp>> = {
  'OpenAI: o-series, gpt-5':
    /'temperature' does not support 0 .*add this line to the model under models in the spec: request: \{omit: \[temperature\]\}/,
  'OpenAI: gpt-4.1 and older': /no raw completions .*can generate and judge for a run and cannot be its target/,
  'Azure OpenAI, classic': /HTTP 404.*request: \{headersEnv: \{api-key: NAME\}\}, and .*request: \{query: \{api-version: /,
  'Azure OpenAI, v1': /HTTP 401.*request: \{headersEnv: \{api-key: NAME\}\}/,
  'Anthropic, compatible API': /cannot be its target/,
  'Gemini, compatible API': /cannot be its target/,
  Mistral: /cannot be its target/,
  DeepSeek: /cannot be its target/,
  OpenRouter: /cannot be its target/,
  Together: INSTRUCTIONS,
  Groq: /cannot be its target/,
  Fireworks: INSTRUCTIONS,
  "Hugging Face's router": /cannot be its target/,
  Ollama: /puts raw prompts into a chat template .*serve the same weights/,
  'LM Studio': INSTRUCTIONS,
  'llama.cpp': INSTRUCTIONS,
  vLLM: INSTRUCTIONS,
  SGLang: INSTRUCTIONS,
  'A LiteLLM proxy': /cannot be its target/,
};

test('each dialect of the page is tried', () => {
  expect(Object.keys(ENDS).sort()).toEqual([...MODELS.keys()].sort());
});

/** The spec that `rehearse init` writes for a server, and whether its checks were all well. */
async function written(name: string, baseURL: string, { template = 'chatml', apiKeyEnv }: { template?: string; apiKeyEnv?: string }) {
  const [file, newData] = [join(folder, `${name}.yaml`), join(folder, 'new-data.jsonl')];
  writeFileSync(newData, `${CONVERSATION}\n`);
  const key = apiKeyEnv === undefined ? [] : ['--api-key-env', apiKeyEnv];
  const where = ['--base-url', baseURL, '--model', 'model', '--weights', 'org/model', '--template', template, '--new-data', newData];
  const print = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const program = new Command().exitOverride();
  registerInit(program);
  const failed = await program.parseAsync(['init', file, ...where, ...key, '--instructions', String(INSTRUCTIONS)], { from: 'user' }).then(
    () => undefined,
    (error: unknown) => error,
  );
  print.mockRestore();
  // What follows the replay set needs no endpoint.
  appendFileSync(file, 'until: replay\n');
  return { spec: await loadSpecFile(file), failed };
}

test.each(Object.entries(ENDS))(
  '%s: a spec as init writes it ends with a replay set, or init and the run say why it cannot',
  async (heading, end) => {
    const name = heading.replaceAll(/[^A-Za-z0-9]+/g, '-');
    const documented = MODELS.get(heading)!;
    const server = await DialectServer.start(DIALECTS[heading]!);
    const deps = testDeps({ python: fakePythonJobs([]) });
    const env = keysOf(documented);
    Object.assign(process.env, env);
    try {
      const { template } = documented;
      const { spec, failed } = await written(name, server.baseURL, {
        ...(typeof template === 'string' ? { template } : {}),
        ...(documented.apiKeyEnv === undefined ? {} : { apiKeyEnv: documented.apiKeyEnv }),
      });
      expect(failed instanceof CliError).toBe(typeof end !== 'number');
      await withWorkers(environment(), { ...deps, env, probes: true, endpoints: new Endpoints(env) }, async () => {
        const run = environment().client.workflow.execute(experiment, {
          workflowId: name,
          taskQueue: TASK_QUEUES.orchestration,
          args: [spec],
        });
        const found = await replayRowsOf(run);
        expect(`${found}`).toMatch(typeof end === 'number' ? new RegExp(`^${end}$`) : end);
      });
    } finally {
      for (const variable of Object.keys(env)) delete process.env[variable];
      await server.close();
      rmSync(deps.root, { recursive: true, force: true });
    }
  },
  600_000,
);
