import { parseSpec, validateRunId } from '../../config/load-spec';
import { SpecError } from '../../config/spec-errors';
import { specWith, validSpec } from './valid-spec';

/** Shaped like a key, and none. */
const FAKE_KEY = ['sk', 'proj', '1234567890abcdefghijklmnop'].join('-');

/** Place in a valid spec, what is put there (undefined: removed), and the one sentence that it gets. */
const MISTAKES: readonly (readonly [string, unknown, string])[] = [
  ['version', undefined, 'version: got nothing, expected 1; add the key "version": 1.'],
  ['version', 2, 'version: got 2, expected 1; write version: 1.'],
  ['budget', {}, 'budget: got an empty mapping, expected usd, tokens or both; add one, or remove budget.'],
  ['budget', { usd: 0 }, 'budget.usd: got 0, expected a number above 0; it means: dollars, at the `price` of each model.'],
  [
    'models/other/thinking',
    { mode: 'off', maxTokens: 100 },
    'models.other.thinking.maxTokens: got 100, expected nothing beside mode: off; remove it, or set mode: on.',
  ],
  ['mix/newShare', 17, 'mix.newShare: got 17, expected a number above 0 and below 1; write 17 % as 0.17.'],
  ['mix/newShare', '17%', 'mix.newShare: got "17%", expected a number above 0 and below 1; write 17 % as 0.17.'],
  ['mix/newShare', 0, 'mix.newShare: got 0, expected a number above 0 and below 1; leave it out for the default, 0.17.'],
  [
    'synthesis/extract/instructions',
    '100,000',
    'synthesis.extract.instructions: got "100,000", expected a positive whole number up to 10000000; write it without separators: 100000.',
  ],
  [
    'synthesis/extract/instructions',
    '100000',
    'synthesis.extract.instructions: got "100000", expected a positive whole number up to 10000000; remove the quotes: instructions: 100000.',
  ],
  [
    'synthesis/extract/instructions',
    0,
    'synthesis.extract.instructions: got 0, expected a positive whole number up to 10000000; it means: how many instructions to extract.',
  ],
  [
    'synthesis/extract/instructions',
    1.5,
    'synthesis.extract.instructions: got 1.5, expected a positive whole number up to 10000000; round it.',
  ],
  [
    'synthesis/respond/generators',
    'target',
    'synthesis.respond.generators: got "target", expected a list with at least 1 entry; write it as a list: [target].',
  ],
  [
    'synthesis/respond/generators',
    [],
    'synthesis.respond.generators: got an empty list, expected a list with at least 1 entry; it means: models that answer.',
  ],
  [
    'synthesis/respond/generators',
    ['target', 'othr'],
    'synthesis.respond.generators[1]: got "othr", expected a name under models (target, other); did you mean "other"?',
  ],
  [
    'synthesis/respond/generators',
    ['target', 'target'],
    'synthesis.respond.generators[1]: got "target" a second time, expected each model once; remove it, or give another deployment another name under models.',
  ],
  [
    'synthesis/judge/judges',
    ['gpt-4'],
    'synthesis.judge.judges[0]: got "gpt-4", expected a name under models (target, other); add "gpt-4" under models.',
  ],
  ['target/model', 'tarkget', 'target.model: got "tarkget", expected a name under models (target, other); did you mean "target"?'],
  [
    'models/target',
    { baseURL: 'http://127.0.0.1:8000/v1', model: 'target-7b', tokenizer: 'model.gguf' },
    'models.target.tokenizer: got "model.gguf", expected a directory or GGUF file that begins with "./", "../" or "/", or a hub id such as Qwen/Qwen3-8B; write ./model.gguf for a file here.',
  ],
  [
    'models/target/template',
    'chatlm',
    'models.target.template: got "chatlm", expected the name of a chat format, or {preQuery, stop}; did you mean "chatml"?',
  ],
  [
    'models/target/template',
    { preQuery: '' },
    'models.target.template.preQuery: got "", expected a text that is not empty; it means: what stands before the text of a user turn, special tokens included.',
  ],
  [
    'models/target/template',
    { preQuery: 'x', stops: ['a'] },
    'models.target.template.stops: got the unknown key "stops" (["a"]), expected "stop"; rename it or remove it.',
  ],
  [
    'models/target/template',
    7,
    'models.target.template: got 7, expected a text that is not empty or a mapping with the keys preQuery, stop, bos; it means: chat format: a name (llama-3, llama-3-paper, chatml, …) or a literal pre-query template.',
  ],
  [
    'synthesis/quality',
    { language: ['en', 'ger'] },
    'synthesis.quality.language[1]: got "ger", expected the two letters of a language that the detector knows (ISO 639-1); did you mean "de"?',
  ],
  [
    'synthesis/quality',
    { length: { minWords: 10, maxWords: 3 } },
    'synthesis.quality.length.maxWords: got 3, expected at least 10, which minWords asks for; raise it or lower the other.',
  ],
  [
    'synthesis/quality',
    { decontaminate: { ngram: 3 } },
    'synthesis.quality.decontaminate.ngram: got 3, expected a whole number from 8 to 100; leave it out for the default, 13.',
  ],
  [
    'synthesis/quality',
    { duplicate: {} },
    'synthesis.quality.duplicate: got the unknown key "duplicate" (an empty mapping), expected "duplicates"; rename it or remove it.',
  ],
  ['synthesis/judge/scoring', 'expect', 'synthesis.judge.scoring: got "expect", expected "text" or "expected"; did you mean "expected"?'],
  [
    'synthesis/judge/perModel',
    { gtp: { temperature: 0 } },
    'synthesis.judge.perModel.gtp: got sampling for "gtp", expected one of the judges (target, other); remove it or add it to judges.',
  ],
  [
    'models/other/apiKeyEnv',
    FAKE_KEY,
    `models.other.apiKeyEnv: got a hidden value of 34 characters, expected the NAME of an environment variable (such as OPENAI_API_KEY), never a secret itself; put the key into an environment variable and write that variable's name under "apiKeyEnv".`,
  ],
  [
    'models/other/apiKeyEnv',
    'openai_api_key',
    `models.other.apiKeyEnv: got "openai_api_key", expected the NAME of an environment variable (such as OPENAI_API_KEY), never a secret itself; put the key into an environment variable and write that variable's name under "apiKeyEnv".`,
  ],
  [
    'models/other/apiKey',
    FAKE_KEY,
    `models.other.apiKey: got the unknown key "apiKey" (a hidden value of 34 characters), expected "apiKeyEnv"; put the key into an environment variable and write that variable's name under "apiKeyEnv".`,
  ],
  [
    'models/other/base_url',
    'x',
    'models.other.base_url: got the unknown key "base_url" ("x"), expected "baseURL"; rename it or remove it.',
  ],
  [
    'models/other/baseURL',
    'api.example.com',
    'models.other.baseURL: got "api.example.com", expected an http(s) URL of an OpenAI-compatible API, such as http://127.0.0.1:8000/v1; begin it with http:// or https://.',
  ],
  [
    'models/other/baseURL',
    'https://user:pw@api.example.com/v1',
    'models.other.baseURL: got a URL with a user name or password in it, expected a URL without secrets; put the key into an environment variable and its name under apiKeyEnv.',
  ],
  [
    'models/other/baseURL',
    'https://api.example.com/v1/chat/completions',
    'models.other.baseURL: got "https://api.example.com/v1/chat/completions", expected the base URL of the API; remove "/chat/completions" from its end.',
  ],
  [
    'learningRate',
    0.000001,
    'learningRate: got the unknown key "learningRate" (0.000001), expected one of the keys version, description, seed, budget, models, target, synthesis, mix, until, variants, sweep, train, evaluate, report; move it to train.learningRate.',
  ],
  [
    'train/learningrate',
    0.000001,
    'train.learningrate: got the unknown key "learningrate" (0.000001), expected "learningRate"; rename it or remove it.',
  ],
  [
    'train/learningRate',
    '1e-6',
    'train.learningRate: got "1e-6", expected a number above 0 up to 1; remove the quotes: learningRate: 1e-6.',
  ],
  ['train/learningRate', 0.01, 'train.learningRate: got 0.01, expected at most 0.001 for full SFT; the paper uses 0.000001 (1e-6).'],
  ['train/evalSteps', 5, 'train.evalSteps: got 5, expected held-out rows to measure the loss on; hold some out with mix.holdOut.'],
  [
    'train',
    { threads: 2, lora: { quantize: true } },
    'train.lora.quantize: got true for a training on a CPU, expected a GPU: QLoRA keeps its frozen weights in 4 bits, for which it needs CUDA; set it to false for LoRA, or train on a GPU (without train.threads).',
  ],
  ['train/dtype', 'bf16', 'train.dtype: got "bf16", expected "float32" or "bfloat16"; leave it out for the default, "bfloat16".'],
  ['train/batchSize', 3, 'train.batchSize: got the unknown key "batchSize" (3), expected "perDeviceBatchSize"; rename it or remove it.'],
  ['synthesis/select/minJudges', 3, 'synthesis.select.minJudges: got 3, expected at most 2, the number of judges; lower it or add judges.'],
  [
    'models/target/baseURL',
    undefined,
    'models.target.baseURL: got nothing, expected an http(s) URL of an OpenAI-compatible API, such as http://127.0.0.1:8000/v1; add it, or `serve` to have a gpu worker serve the model.',
  ],
  [
    'models/target/serve',
    { engine: 'vllm' },
    'models.target.baseURL: got "http://127.0.0.1:8000/v1", expected nothing beside serve, whose server gets an address of its own; remove one of the two.',
  ],
  [
    'evaluate/tasks',
    [{ task: 'MMLU-Pro' }],
    'evaluate.tasks[0].task: got "MMLU-Pro", expected the name of a task; did you mean "mmlu_pro"?',
  ],
  [
    'evaluate/tasks',
    [{ task: 'arc_challenge', data: { test: 'a' } }],
    'evaluate.tasks[0].data: got local data for "arc_challenge", expected it with "mmlu_pro", "gpqa", "ifeval" or "math_level_5" only; remove it: the task says itself where its documents are.',
  ],
  [
    'evaluate',
    { backend: 'openai', tasks: [{ task: 'gpqa' }, { task: 'ifeval' }], openai: { api: 'completions' } },
    'evaluate.backend: got "openai", expected transformers or vllm, since nothing serves what method will train; those two load the weights themselves; or evaluate the official model alone (variants: [official]).',
  ],
  [
    'evaluate/tasks',
    [{ task: 'gpqa', metric: 'acc' }],
    'evaluate.tasks[0].metric: got "acc", expected nothing for gpqa, whose scoring is the leaderboard\'s; remove it.',
  ],
  [
    'evaluate/tasks',
    [{ task: 'gpqa' }, { task: 'gpqa' }],
    'evaluate.tasks[1].task: got "gpqa" a second time, expected each task once; remove one of the two.',
  ],
  [
    'evaluate',
    { tasks: [{ task: 'gpqa' }], thinking: { mode: 'on' } },
    'evaluate.tasks[0].task: got "gpqa", expected a task in which a model that thinks writes its answer, since evaluate.thinking is on; use gpqa_main_cot_zeroshot, or set evaluate.thinking: { mode: off }.',
  ],
  [
    'evaluate',
    { tasks: [{ task: 'ifeval' }], thinking: { mode: 'on' } },
    'evaluate.tasks[0].maxGenToks: got nothing, expected room for thoughts and answer, since evaluate.thinking is on; set it, to 16384 for instance.',
  ],
  [
    'evaluate/tasks',
    [{ task: 'mmlu_pro', data: { test: 'a' } }],
    'evaluate.tasks[0].data.validation: got nothing, expected a JSONL file for the split "validation"; add its file (few-shot examples come from it), or set numFewshot: 0.',
  ],
  [
    'evaluate/tasks',
    [{ task: 'gpqa', data: { test: 'a' } }],
    'evaluate.tasks[0].data.test: got the split "test", expected "train" for gpqa; did you mean "train"?',
  ],
  [
    'synthesis/extract/sampling',
    { temperature: 0 },
    'synthesis.extract.sampling.temperature: got 0, expected a temperature above 0; every instruction would be the same text; use 1.',
  ],
  [
    'synthesis/extract/stop',
    ['1', '2', '3', '4', '5'],
    `synthesis.extract.stop: got a list of 5, expected at most 4 stop strings, the API's limit; remove some.`,
  ],
  [
    'synthesis/respond/sampling',
    { temperature: 3 },
    'synthesis.respond.sampling.temperature: got 3, expected a number from 0 to 2; leave it out for the default, 1.',
  ],
  [
    'synthesis/respond/sampling',
    { topP: 0 },
    'synthesis.respond.sampling.topP: got 0, expected a number above 0 up to 1; leave it out for the default, 1.',
  ],
  [
    'models/target/limits',
    { tokensPerMinute: 100 },
    'models.target.limits.tokensPerMinute: got 100, expected at least 2048, the longest reply that the spec asks of it; raise it, or lower maxTokens.',
  ],
  [
    'target/weights',
    '~/models/x',
    'target.weights: got "~/models/x", expected a directory, a hub id or builtin:smollm2-135m-instruct; "~" is not expanded here; write the folder out.',
  ],
  [
    'target/weights',
    'builtin:smollm',
    'target.weights: got "builtin:smollm", expected builtin:smollm2-135m-instruct; for other weights give a directory or a hub id.',
  ],
  [
    'target/weights',
    undefined,
    'target.weights: got nothing, expected the weights that are trained: a directory, a hub id, or builtin:smollm2-135m-instruct; add them, or set train.backend: openai to have an endpoint fine-tune the model.',
  ],
  [
    'mix',
    undefined,
    'mix.newData: got nothing, expected the new SFT data: a file, a data set ({files}, {hub} or {set}), or a list of data sets; add it, or set until: replay for the replay set alone.',
  ],
  [
    'mix/newData',
    '',
    'mix.newData: got "", expected a text that is not empty; it means: the new SFT data: a file with one {"messages": [{role, content}, …]} a line, a data set, or a list of such.',
  ],
  [
    'mix/newData',
    5,
    'mix.newData: got 5, expected a file, or a data set ({files}, {hub} or {set}), or a list of such; it means: the new SFT data: a file with one {"messages": [{role, content}, …]} a line, a data set, or a list of such.',
  ],
  [
    'mix/newData',
    [{ files: 'a.jsonl' }],
    'mix.newData[0].files: got "a.jsonl", expected a list with at least 1 entry; write it as a list: [a.jsonl].',
  ],
  [
    'mix/newData',
    { files: ['a.jsonl'], schema: { kind: 'sharegtp' } },
    'mix.newData.schema.kind: got "sharegtp", expected "messages", "sharegpt", "alpaca" or "prompt-completion"; did you mean "sharegpt"?',
  ],
  [
    'synthesis/extract/instructions',
    2,
    'synthesis.extract.instructions: got 2, expected at least 3, so that a newShare of 0.17 has room for one new example; extract more, or raise mix.newShare.',
  ],
  ['mix/maxExamples', 2, 'mix.maxExamples: got 2, expected enough examples for both sides of a newShare of 0.17; use at least 4.'],
  [
    'mix/holdOut',
    {},
    'mix.holdOut: got no rows to hold out, expected replay, new or both above 0; give their numbers of rows, or remove holdOut.',
  ],
  [
    'mix/holdOut',
    { replay: 98, new: 5 },
    'mix.holdOut.replay: got 98, expected at most 97, so that of 100 instructions enough are left to train on; lower it, or extract more.',
  ],
  ['mix/holdOut', { replay: -1 }, 'mix.holdOut.replay: got -1, expected a whole number of at least 0; leave it out for the default, 0.'],
  [
    'variants',
    ['offcial'],
    'variants[0]: got "offcial", expected "official", "method", "evol-instruct", "ultrachat", "sharegpt", "wildchat", "genqa", "openhermes-1", "openhermes-2.5", "tulu-v2", "first-response", "target-best" or "new-data-only" or a mapping with the keys name, replay, newShare, train or a mapping with the keys name, interpolate; it means: one row of the table: a known name, {name, replay, train}, or {name, interpolate}.',
  ],
  [
    'variants',
    ['method', 'method'],
    'variants[1]: got "method" a second time, expected each variant once; remove it, or give it another name.',
  ],
  [
    'variants',
    [{ name: 'method', replay: 'none' }],
    'variants[0].name: got "method", expected another name, since "method" is a variant of its own; rename it.',
  ],
  [
    'variants',
    [{ name: 'mine', replay: 'nothing' }],
    'variants[0].replay: got "nothing", expected "method", "first-response", "target-best" or "none" or a mapping with the keys set, revision, files or a mapping with the keys hub, revision, config, splits, schema, licence or a mapping with the keys files, schema, licence or a mapping with the keys ownAnswers, pick; it means: what is mixed with the new data: the method\'s replay set, an ablation, nothing, a data set, or the target\'s own answers to the prompts of one.',
  ],
  [
    'variants',
    [{ name: 'mine', replay: { set: 'ultra-chat' } }],
    'variants[0].replay.set: got "ultra-chat", expected "evol-instruct", "ultrachat", "sharegpt", "wildchat", "genqa", "openhermes-1", "openhermes-2.5" or "tulu-v2"; did you mean "ultrachat"?',
  ],
  ['sweep', { newShare: [0.1, 0.1] }, 'sweep.newShare[1]: got 0.1 a second time, expected each share once; remove it.'],
  [
    'models/two words',
    { baseURL: 'http://x/v1', model: 'm' },
    'models["two words"]: got "two words", expected a name of letters, digits, ".", "_" or "-", up to 64 long; rename it.',
  ],
  ['models', {}, 'models: got an empty mapping, expected at least one model endpoint; add one with baseURL and model.'],
  ['models', [], 'models: got an empty list, expected a mapping of names to values; it means: every model endpoint, named once.'],
  ['synthesis/judge/judges', [true], 'synthesis.judge.judges[0]: got true, expected a text; put it in quotes: "true".'],
  [
    'description',
    FAKE_KEY,
    `description: got a hidden value of 34 characters, expected no secret in a spec; put it into an environment variable and the variable's name under apiKeyEnv, and revoke it if others have seen this file.`,
  ],
  ['seed', -1, 'seed: got -1, expected a whole number from 0 to 2147483647; leave it out for the default, 42.'],
  ['seed', null, 'seed: got null, expected a whole number from 0 to 2147483647; leave it out for the default, 42.'],
  ['report/examples', 1000, 'report.examples: got 1000, expected a whole number from 0 to 100; leave it out for the default, 6.'],
  [
    'models/twin',
    { baseURL: 'http://127.0.0.1:8000/v1', model: 'org/target-7b', limits: { concurrency: 1 } },
    'models.twin.limits: got other limits, expected those of target, which has the same baseURL and model and so shares them; make the two alike.',
  ],
];

function errorOf(run: () => unknown): SpecError {
  try {
    run();
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a spec with a mistake', () => {
  it.each(MISTAKES)('at %s (%j) gets one sentence with path, value and way out', (path, value, sentence) => {
    const error = errorOf(() => parseSpec(specWith(path, value)));
    expect(error.message).toBe(sentence);
    expect(error.problems).toHaveLength(1);
  });

  it('covers twenty mistakes at least, and the unbroken spec has none', () => {
    expect(MISTAKES.length).toBeGreaterThanOrEqual(20);
    expect(parseSpec(validSpec()).synthesis.respond.samples).toBe(3);
  });

  it('that limits dollars but has no prices is told of each model in use', () => {
    const spec = { ...validSpec(), budget: { usd: 5, tokens: 1000 } };
    spec.models['other']!.price = { inputUsdPerMillion: 0, outputUsdPerMillion: 0 };
    expect(errorOf(() => parseSpec(spec)).message).toBe(
      'models.target.price: got nothing, expected a price, since budget.usd limits what its calls may cost; ' +
        'add price: {inputUsdPerMillion: …, outputUsdPerMillion: …}; for a server of your own, both 0.',
    );
    spec.models['target']!.price = { inputUsdPerMillion: 0, outputUsdPerMillion: 0 };
    expect(parseSpec(spec).budget).toEqual({ usd: 5, tokens: 1000 });
  });

  it('gets a sentence for each of several mistakes', () => {
    const spec = { ...specWith('mix/newShare', 17), seed: -1 };
    expect(errorOf(() => parseSpec(spec)).message.split('\n')).toEqual([
      'seed: got -1, expected a whole number from 0 to 2147483647; leave it out for the default, 42.',
      'mix.newShare: got 17, expected a number above 0 and below 1; write 17 % as 0.17.',
    ]);
  });

  it.each([
    [null, 'nothing'],
    ['x', '"x"'],
    [[1], '[1]'],
    [5, '5'],
    [{}, 'nothing'],
  ])('that is %j instead of a mapping says so', (input, shown) => {
    expect(errorOf(() => parseSpec(input)).message).toContain(`got ${shown}, expected`);
  });

  it('never shows a secret, wherever it stands', () => {
    for (const path of [
      'description',
      'models/other/apiKeyEnv',
      'models/other/apiKey',
      'models/other/model',
      'target/weights',
      'mix/newData',
      'seed',
      'train',
      'token',
    ]) {
      const message = errorOf(() => parseSpec(specWith(path, FAKE_KEY))).message;
      expect(message).not.toContain('1234567890');
    }
  });

  it('never shows the password of a URL', () => {
    for (const baseURL of ['https://me:hunter2@host/v1', 'ftp://me:hunter2@host/v1', 'https://host/v1?api_key=hunter2']) {
      expect(errorOf(() => parseSpec(specWith('models/other/baseURL', baseURL))).message).not.toContain('hunter2');
    }
  });

  it('shortens long values', () => {
    const message = errorOf(() => parseSpec(specWith('train/dtype', 'x '.repeat(5000)))).message;
    expect(message.length).toBeLessThan(300);
  });

  it('is no match for names that every object has', () => {
    expect(errorOf(() => parseSpec(specWith('target/model', 'constructor'))).message).toBe(
      'target.model: got "constructor", expected a name under models (target, other); add "constructor" under models.',
    );
    expect(errorOf(() => parseSpec(specWith('constructor', 1))).problems[0]?.path).toBe('constructor');
  });
});

describe('defaults', () => {
  it("are the paper's where it gives one", () => {
    const spec = parseSpec(validSpec());
    expect(spec).toMatchObject({ mix: { newShare: 0.17 }, train: { learningRate: 1e-6 }, synthesis: { judge: { scoring: 'text' } } });
    expect(spec.evaluate.tasks.map(({ task }) => task)).toEqual(['mmlu_pro', 'gpqa', 'ifeval', 'math_level_5']);
  });

  it('of a stage hold also for what a given sampling leaves out', () => {
    const spec = parseSpec(specWith('synthesis/judge/sampling', { maxTokens: 64 }));
    expect(spec.synthesis.judge.sampling).toEqual({ temperature: 0, topP: 1, maxTokens: 64 });
    expect(spec.synthesis.extract.sampling).toEqual({ temperature: 1, topP: 1, maxTokens: 2048 });
  });
});

describe('a judge whose probabilities are read', () => {
  it('may be without a template, since chat endpoints give probabilities too', () => {
    expect(parseSpec(specWith('synthesis/judge/scoring', 'expected')).synthesis.judge.scoring).toBe('expected');
  });

  it('cannot have a literal template, which cannot write conversations', () => {
    const spec = specWith('models/target/template', { preQuery: '<u>' });
    (spec['synthesis'] as { judge: object }).judge = { judges: ['target'], scoring: 'expected' };
    expect(errorOf(() => parseSpec(spec)).message).toMatch(
      /^models\.target\.template: got a literal template, expected a named one for a judge .+; name one of .+ or use scoring: text\.$/,
    );
  });

  it('a chat API cannot choose among given answers, and the sentence names the tasks', () => {
    const spec = {
      ...specWith('evaluate', { backend: 'openai', tasks: [{ task: 'mmlu_pro' }, { task: 'ifeval' }, { task: 'gpqa' }] }),
      variants: ['official'],
    };
    expect(errorOf(() => parseSpec(spec)).message).toBe(
      'evaluate.openai.api: got "chat", expected "completions" for mmlu_pro and gpqa, which compare the probabilities of given answers; use it where the server has it (with echo and logprobs), or leave those tasks out.',
    );
    expect(() => parseSpec({ ...spec, evaluate: { backend: 'openai', tasks: [{ task: 'ifeval' }] } })).not.toThrow();
  });
});

describe('a run id', () => {
  it.each(['demo', 'a', 'A.b_c-1', '0'.repeat(64)])('may be %s', (id) => {
    expect(validateRunId(id)).toBe(id);
  });

  it.each([
    ['../etc', 'run id: got "../etc", expected letters, digits, ".", "_" or "-", up to 64, a letter or digit first; for example etc.'],
    ['my run', 'run id: got "my run", expected letters, digits, ".", "_" or "-", up to 64, a letter or digit first; for example my-run.'],
    ['', 'run id: got "", expected letters, digits, ".", "_" or "-", up to 64, a letter or digit first; for example my-run.'],
    ['.hidden', 'run id: got ".hidden", expected letters, digits, ".", "_" or "-", up to 64, a letter or digit first; for example hidden.'],
    ['x'.repeat(65), expect.stringMatching(/^run id: got "x+…, expected/)],
  ])('cannot be %j', (id, sentence) => {
    const { message } = errorOf(() => validateRunId(id));
    expect(message).toEqual(sentence);
  });
});
