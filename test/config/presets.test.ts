import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { runSpecJsonSchema, runSpecJsonSchemaText } from '../../config/json-schema';
import { PRESET_NAMES } from '../../config/load-spec';
import { specWarnings } from '../../config/spec-warnings';
import { resolveTemplate } from '../../method/templates';
import { checkSpecFiles, configFolder, loadSpecFile } from '../../services/runs/spec-files';
import { specWith } from './valid-spec';

function presetText(name: string): string {
  return readFileSync(join(configFolder(), `${name}.yaml`), 'utf8');
}

describe('the presets', () => {
  it.each(PRESET_NAMES)('%s is a valid spec', async (name) => {
    const spec = await loadSpecFile(name);
    expect(spec.mix.newShare).toBe(0.17);
    expect(spec.train.learningRate).toBe(spec.train.lora === undefined ? 1e-6 : 1e-5); // the paper's, for all weights
    expect(specWarnings(spec).filter(({ path }) => path !== 'target.revision')).toEqual([]);
  });

  it.each(PRESET_NAMES)('%s tells editors where its schema is', (name) => {
    const [, schema] = /^# yaml-language-server: \$schema=(\S+)/.exec(presetText(name)) ?? [];
    expect(existsSync(join(configFolder(), schema ?? 'missing'))).toBe(true);
  });

  it('paper is the paper to the letter', async () => {
    const { models, target, synthesis, mix, train, evaluate } = await loadSpecFile('paper');
    const trio = ['llama-3-70b-instruct', 'gpt-4', 'qwen2-72b-instruct'];
    expect(synthesis.extract.instructions).toBe(100_000);
    expect(synthesis.respond).toMatchObject({ generators: trio, samples: 3 });
    expect(synthesis.judge).toMatchObject({ judges: trio, scoring: 'text' });
    expect(mix.newShare).toBe(0.17);
    expect(train.learningRate).toBe(0.000001);
    expect(evaluate.tasks.map((task) => ({ ...task }))).toEqual([
      { task: 'mmlu_pro' },
      { task: 'gpqa' },
      { task: 'ifeval' },
      { task: 'math_level_5' },
    ]);
    expect(target).toMatchObject({ model: 'llama-3-70b-instruct', weights: 'meta-llama/Meta-Llama-3-70B-Instruct' });
    expect(trio.map((name) => models[name]?.model)).toEqual(['meta-llama/Meta-Llama-3-70B-Instruct', 'gpt-4', 'Qwen/Qwen2-72B-Instruct']);
    expect(models['gpt-4']).toMatchObject({ apiKeyEnv: 'OPENAI_API_KEY', price: { inputUsdPerMillion: 30, outputUsdPerMillion: 60 } });
    expect(resolveTemplate(models['llama-3-70b-instruct']?.template ?? '').preQuery).toBe('<|start_header_id|>user<|end_header_id|>');
  });

  it('demo has three deployments of one model, nine responses and 27 judgments an instruction', async () => {
    const { models, target, synthesis, train } = await loadSpecFile('demo');
    const { respond, judge, extract, shardSize } = synthesis;
    expect(new Set(Object.values(models).map(({ id, baseURL, model }) => `${id} ${baseURL} ${model}`)).size).toBe(1);
    expect(respond.generators.length * respond.samples).toBe(9);
    expect(respond.generators.length * respond.samples * judge.judges.length).toBe(27);
    expect(new Set(respond.generators.map((name) => respond.perModel[name]?.temperature)).size).toBe(3);
    expect(new Set(judge.judges.map((name) => judge.perModel[name]?.temperature)).size).toBe(3);
    expect({ instructions: extract.instructions, shardSize, scoring: judge.scoring, weights: target.weights }).toEqual({
      instructions: 8,
      shardSize: 4,
      scoring: 'expected',
      weights: 'builtin:smollm2-135m-instruct',
    });
    expect(train).toMatchObject({ dtype: 'float32', maxSteps: 5, saveSteps: 2, gradientCheckpointing: false });
  });

  it('demo finds all its files, and they are sound', async () => {
    const { errors, counts } = await checkSpecFiles(await loadSpecFile('demo'), { env: {} });
    expect(errors).toEqual([]);
    expect(counts.newExamples).toBeGreaterThanOrEqual(40);
    expect(Object.keys(counts.evaluationDocuments).sort()).toEqual(['gpqa', 'ifeval', 'math_level_5', 'mmlu_pro']);
  });
});

describe('the JSON Schema', () => {
  it("that is committed is the one that the spec's own schema gives (else: node dist/config/write-json-schema.js)", () => {
    expect(readFileSync(join(configFolder(), 'run-spec.schema.json'), 'utf8')).toBe(runSpecJsonSchemaText());
  });

  const validate = new Ajv({ strict: false, validateFormats: false }).compile(runSpecJsonSchema());

  it.each(PRESET_NAMES)('takes the preset %s as it is written', (name) => {
    expect([validate(parse(presetText(name))), validate.errors]).toEqual([true, null]);
  });

  it.each([
    ['train/learningrate', 1],
    ['mix/newShare', 17],
    ['mix/newData', 5],
    ['synthesis/judge/scoring', 'x'],
  ])('refuses %s = %j', (path, value) => {
    expect(validate(specWith(path, value))).toBe(false);
  });
});
