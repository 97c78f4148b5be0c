import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunSpec } from '../../config/spec';
import { TASK_QUEUES } from '../../contract/task-queues';
import { exportStage, type ExportStage } from '../../export/export-rows';
import type { Instruction, Judgment, MixtureRow, ReplayRow, Response } from '../../method/records';
import { selectBest } from '../../method/selection';
import { ensureModel, startModelServer, type ModelServer } from '../../services/local/local-model';
import { ensurePython, type PythonEnvironment } from '../../services/local/python-environment';
import { createPythonJobs } from '../../services/python/python-jobs';
import { createWeightsResolver } from '../../services/training/weights';
import { planVariant, type RunPlan } from '../../stages/run-plan';
import { experiment } from '../../workflows';
import { smallestDemo } from '../support/smallest-demo';
import { quietReporter, testDeps, useTemporal, withWorkers } from '../support/temporal';

// Trains a real model, so it is no part of `npm test`: `npm run test:long data`.
const long = process.env['REHEARSE_DATA_RUN'] === '1' ? describe : describe.skip;

const environment = useTemporal();
const folder = mkdtempSync(join(tmpdir(), 'rehearse-data-run-'));
let server: ModelServer | undefined;

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A template that renders tools, their calls and what they say; the model's own knows none. */
const TOOL_TEMPLATE = `{%- if tools %}{{ '<|im_start|>system\\n' }}{% for tool in tools %}{{ tool | tojson }}{{ '\\n' }}{% endfor %}{{ '<|im_end|>\\n' }}{% endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' }}{% for call in message.tool_calls or [] %}{{ '<tool_call>' }}{{ call.function | tojson }}{{ '</tool_call>' }}{% endfor %}{{ message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif -%}`;

/** The model's weights beside such a template. */
function weightsWithTools(from: string): string {
  const to = join(folder, 'weights');
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (name === 'chat_template.jinja') continue;
    try {
      linkSync(join(from, name), join(to, name));
    } catch {
      copyFileSync(join(from, name), join(to, name)); // on another disk
    }
  }
  writeFileSync(join(to, 'chat_template.jinja'), TOOL_TEMPLATE);
  return to;
}

function written(name: string, rows: readonly object[]): string {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

const WEATHER = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};
const WITH_TOOLS = {
  messages: [
    { role: 'user', content: 'How warm is it in Oslo?' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city": "Oslo"}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: '{"celsius": 4}' },
    { role: 'assistant', content: 'It is 4 degrees in Oslo.' },
  ],
  tools: [WEATHER],
};
const TURNS = {
  messages: [
    { role: 'user', content: 'Name a bread.' },
    { role: 'assistant', content: 'Rye.', weight: 0 },
    { role: 'user', content: 'Another one?' },
    { role: 'assistant', content: 'Spelt.' },
  ],
};
const QUESTIONS = ['Name a colour.', 'What is two and two?', 'Say hello.', 'Name a fruit.'];

async function specOf(baseURL: string, weights: string): Promise<RunSpec> {
  const spec = await smallestDemo(baseURL);
  const asked = QUESTIONS.map((question) => ({
    conversations: [
      { from: 'human', value: question },
      { from: 'gpt', value: 'Never kept.' },
    ],
  }));
  return {
    ...spec,
    target: { ...spec.target, weights },
    mix: {
      ...spec.mix,
      newShare: 0.5,
      newData: [
        { files: [written('tools.jsonl', [WITH_TOOLS])], weight: 1 },
        { files: [written('turns.jsonl', [TURNS, { ...TURNS, messages: TURNS.messages.slice(2) }])], weight: 1 },
      ],
      exclude: written('flags.jsonl', [
        { id: 'i0000000', reason: 'no question' },
        { id: 'p0000001', reason: 'answered wrongly' },
        { id: 'n1.0.0000002', reason: 'too short' },
      ]),
    },
    variants: ['official', 'method', { name: 'own', replay: { ownAnswers: written('questions.jsonl', asked), pick: 'judged' } }],
    evaluate: { ...spec.evaluate, tasks: spec.evaluate.tasks.slice(0, 1) },
  };
}

async function rowsOf<Row>(deps: ReturnType<typeof testDeps>, plan: RunPlan, stage: ExportStage, variant: string): Promise<Row[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const part of exportStage(stage, { stages: deps.stages, plan, variant: planVariant(plan, variant) }).parts()) {
    rows.push(...part);
  }
  return rows as Row[];
}

/** Ids of the responses that win, chosen from the exports alone. */
async function winners(
  deps: ReturnType<typeof testDeps>,
  plan: RunPlan,
  variant: string,
  generators: number,
): Promise<Map<string, string>> {
  const { judge, respond, select } = plan.spec.synthesis;
  const instructions = await rowsOf<Instruction>(deps, plan, 'instructions', variant);
  const responses = await rowsOf<Response>(deps, plan, 'responses', variant);
  const judgments = await rowsOf<Judgment>(deps, plan, 'judgments', variant);
  return new Map(
    instructions.flatMap((instruction) => {
      const of = <Row extends { readonly instructionId: string }>(rows: readonly Row[]): Row[] =>
        rows.filter(({ instructionId }) => instructionId === instruction.id);
      const best = selectBest({
        instruction,
        responses: of(responses),
        judgments: of(judgments),
        judges: judge.judges,
        expectedResponses: generators * respond.samples,
        policy: { keep: 'complete' },
        truncated: select.truncated,
        seed: plan.spec.seed,
      });
      return 'replay' in best ? [[instruction.id, best.replay.response] as const] : [];
    }),
  );
}

long('a run with tool calls, several turns, own answers and flagged rows', () => {
  test('ends on the real model, and its exports say what it chose', async () => {
    const python: PythonEnvironment = await ensurePython(quietReporter);
    const { gguf, weightsDir } = await ensureModel(quietReporter, python);
    process.env['REHEARSE_HOME'] = join(folder, 'home');
    server = await startModelServer({ gguf, python, logFile: join(folder, 'model.log'), concurrency: 4 });
    const deps = {
      ...testDeps({ python: createPythonJobs({ environment: async () => python }) }),
      weights: createWeightsResolver(async () => weightsDir),
    };
    const spec = await specOf(server.baseURL, weightsWithTools(weightsDir));
    const result = await withWorkers(
      environment(),
      deps,
      async () =>
        await environment().client.workflow.execute(experiment, {
          workflowId: 'data-run',
          taskQueue: TASK_QUEUES.orchestration,
          args: [spec],
        }),
    );
    expect(result.variants.map(({ variant, steps }) => [variant, steps])).toEqual([
      ['official', undefined],
      ['method', 2],
      ['own', 2],
    ]);

    const plan = await deps.plans.load((await deps.plans.findRun('data-run'))!.plan);
    const kept = await rowsOf<ReplayRow>(deps, plan, 'replay', 'method');
    expect(new Map(kept.map(({ instructionId, response }) => [instructionId, response]))).toEqual(await winners(deps, plan, 'method', 2));
    const own = await rowsOf<MixtureRow>(deps, plan, 'replay', 'own');
    expect(new Map(own.map(({ id, messages }) => [id, messages.at(-1)!.content]))).toEqual(await winners(deps, plan, 'own', 1));
    expect(own.map(({ messages }) => messages[0]!.content).sort()).toEqual([...QUESTIONS].sort());

    for (const variant of ['method', 'own']) {
      const mixture = await rowsOf<MixtureRow>(deps, plan, 'mixture', variant);
      const fresh = mixture.filter(({ source }) => source === 'new');
      expect(fresh.map(({ messages }) => messages.length)).toEqual([4, 4]);
      expect(fresh.find(({ tools }) => tools !== undefined)).toMatchObject({
        tools: [WEATHER],
        messages: [{}, { tool_calls: [{ id: 'c1' }] }, { role: 'tool' }, {}],
      });
      expect(fresh.find(({ tools }) => tools === undefined)).toMatchObject({ messages: [{}, { train: false }, {}, { content: 'Spelt.' }] });
      expect(mixture.map(({ id }) => id).join(' ')).not.toMatch(/i0000000|p0000001|n1\.0\.0000002/);
    }
  }, 1_800_000);
});
