import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import { stageKeys, type StageKeys } from '../../stages/chain';
import { evaluateTaskStage } from '../../stages/evaluate-task';
import { modelIdentity } from '../../stages/model-identity';
import { type ContentIdentities } from '../../stages/planned';
import type { ReadTemplate } from '../../templates/read-template';
import { modelSpec } from '../support/model-spec';
import { smallSpec } from '../support/small-spec';

const BASE_URL = 'http://127.0.0.1:9/v1';
const CONTENT: ContentIdentities = { newData: 'new-data', weights: 'weights', evaluation: ['hub', 'hub', 'hub', 'hub'], replayFiles: {} };
/** In their order, so that a list of changed stages reads as the method does. */
const STAGES = ['extract', 'respond', 'judge', 'select', 'mix', 'train', 'evaluate'] as const;

function keysOf(change?: (spec: RunSpecInput) => void, content: Partial<ContentIdentities> = {}): StageKeys {
  return stageKeys(smallSpec(BASE_URL, change), { ...CONTENT, ...content });
}

/** Keys by stage: of the synthesis, and of the method and the official model. */
function byStage({ variants, ...synthesis }: StageKeys): Record<(typeof STAGES)[number], unknown> {
  const { official, method } = variants;
  return { ...synthesis, mix: method!.mix, train: method!.train, evaluate: [official!.evaluate, method!.evaluate] };
}

/** Stages of which a key changed. */
function changed(change?: (spec: RunSpecInput) => void, content: Partial<ContentIdentities> = {}): string[] {
  const before = byStage(keysOf());
  const after = byStage(keysOf(change, content));
  return STAGES.filter((stage) => JSON.stringify(before[stage]) !== JSON.stringify(after[stage]));
}

const FROM_RESPOND = STAGES.slice(1);
const FROM_JUDGE = STAGES.slice(2);
const FROM_SELECT = STAGES.slice(3);
const FROM_MIX = STAGES.slice(4);
const FROM_TRAIN = STAGES.slice(5);

const model = (spec: RunSpecInput, name: string): NonNullable<RunSpecInput['models'][string]> => spec.models[name]!;

test('the same spec has the same keys', () => {
  expect(keysOf()).toEqual(keysOf());
});

test('no two stages share a key', () => {
  const { extract, respond, judge, select, variants } = keysOf();
  const all = [
    extract,
    ...Object.values(respond),
    ...Object.values(judge).flatMap(Object.values),
    select,
    ...Object.values(variants).flatMap((keys) => Object.values(keys) as string[]),
  ];
  expect(new Set(all).size).toBe(1 + 2 + 4 + 1 + 1 + 1 + 2);
  for (const key of all) expect(key).toMatch(/^[0-9a-f]{20}$/);
});

const changes: [what: string, change: (spec: RunSpecInput) => void, stages: readonly string[]][] = [
  ['the seed of a run', (spec) => (spec.seed = 8), STAGES],
  ['a field that requests to the target have besides', (spec) => (model(spec, 'target').request = { body: { top_k: 40 } }), STAGES],
  ['a field that requests to the target lack', (spec) => (model(spec, 'target').request = { omit: ['seed'] }), STAGES],
  [
    "another name for a field of a judge's requests",
    (spec) => (model(spec, 'other').request = { rename: { seed: 'random_seed' } }),
    FROM_RESPOND,
  ],
  [
    'where requests go, and who asks',
    (spec) => (model(spec, 'target').request = { query: { v: '1' }, headersEnv: { 'api-key': 'KEY' }, body: { user: 'me' } }),
    [],
  ],
  ['settings of requests that set nothing', (spec) => (model(spec, 'target').request = { body: {}, omit: [], rename: {} }), []],
  ['a BOS that the target adds by itself', (spec) => (model(spec, 'target').addsBos = true), STAGES],
  ['the sampling of instructions', (spec) => (spec.synthesis.extract.sampling!.temperature = 0.7), STAGES],
  ['a stop string of the extraction', (spec) => (spec.synthesis.extract.stop = ['\n']), STAGES],
  ['the end of instructions at a line break', (spec) => (spec.synthesis.extract.stopAtNewline = true), STAGES],
  ['a filter of the instructions', (spec) => (spec.synthesis.quality = { refusals: true }), FROM_RESPOND],
  ['filters of which none is on', (spec) => (spec.synthesis.quality = { refusals: false, duplicates: { exact: false }, length: {} }), []],
  ['the number of samples', (spec) => (spec.synthesis.respond.samples = 3), FROM_RESPOND],
  ['the sampling of responses', (spec) => (spec.synthesis.respond.sampling!.topP = 0.9), FROM_RESPOND],
  ['what is done with cut responses', (spec) => (spec.synthesis.respond.acceptTruncated = false), FROM_RESPOND],
  ['the way of scoring', (spec) => (spec.synthesis.judge.scoring = 'expected'), FROM_JUDGE],
  ['the sampling of judges', (spec) => (spec.synthesis.judge.sampling!.maxTokens = 100), FROM_JUDGE],
  ['how often a judge is asked', (spec) => (spec.synthesis.judge.maxAttempts = 5), FROM_JUDGE],
  ['whether a cut response may win', (spec) => (spec.synthesis.select = { truncated: 'last' }), FROM_SELECT],
  ['the policy of selection', (spec) => (spec.synthesis.select = { policy: 'available' }), FROM_SELECT],
  ['the share of new data', (spec) => (spec.mix!.newShare = 0.5), FROM_MIX],
  ['what is held out from training', (spec) => (spec.mix!.holdOut = { replay: 1 }), FROM_MIX],
  ['the size of the mixture', (spec) => (spec.mix!.maxExamples = 5), FROM_MIX],
  ['whether a generator that is a judge too thinks', (spec) => (model(spec, 'other').thinking = { mode: 'off' }), FROM_RESPOND],
  ['room for thoughts', (spec) => (model(spec, 'other').thinking = { maxTokens: 100 }), FROM_RESPOND],
  ['thoughts that are left to the model', (spec) => (model(spec, 'other').thinking = { mode: 'auto' }), []],
  ['the learning rate', (spec) => (spec.train!.learningRate = 1e-5), FROM_TRAIN],
  ['the number of training steps', (spec) => (spec.train!.maxSteps = 3), FROM_TRAIN],
  ['the type of evaluation', (spec) => (spec.evaluate = { dtype: 'float32' }), ['evaluate']],
  ['the description', (spec) => (spec.description = 'another'), []],
  ['a price', (spec) => (model(spec, 'target').price = { inputUsdPerMillion: 1, outputUsdPerMillion: 2 }), []],
  ['a budget', (spec) => (spec.budget = { tokens: 1_000_000 }), []],
  [
    'the limits of an endpoint',
    (spec) => (model(spec, 'other').limits = { concurrency: 1, requestsPerMinute: 5, tokensPerMinute: 100, timeoutMs: 5_000 }),
    [],
  ],
  ['the name of the variable with the key', (spec) => (model(spec, 'other').apiKeyEnv = 'OTHER_KEY'), []],
  ['how many shards are in work', (spec) => (spec.synthesis.concurrentShards = 1), []],
  ['the batch size of the evaluation', (spec) => (spec.evaluate = { batchSize: 2 }), []],
  ['the examples in the report', (spec) => (spec.report = { examples: 1 }), []],
  ["the selection's minJudges, which the policy complete does not read", (spec) => (spec.synthesis.select = { minJudges: 2 }), []],
  ['the least rating mass, which text scoring does not read', (spec) => (spec.synthesis.judge.minRatingMass = 0.5), []],
];

test.each(changes)('%s changes exactly the stages that depend on it', (_, change, stages) => {
  expect(changed(change)).toEqual(stages);
});

test.each([
  ['the new data', { newData: 'others' }, FROM_MIX],
  ['the weights', { weights: 'others' }, FROM_TRAIN],
  ['the documents of an evaluation', { evaluation: ['hub', 'local', 'hub', 'hub'], replayFiles: {} }, ['evaluate']],
] as const)('another content of %s changes exactly the stages that depend on it', (_, content, stages) => {
  expect(changed(undefined, content)).toEqual(stages);
});

describe('another model', () => {
  test('behind the target changes everything', () => {
    expect(changed((spec) => (model(spec, 'target').model = 'target-v2'))).toEqual(STAGES);
  });

  test('behind one generator and judge keeps what the others did', () => {
    const before = keysOf();
    const after = keysOf((spec) => (model(spec, 'other').model = 'other-v2'));
    expect(after.extract).toBe(before.extract);
    expect(after.respond['target']).toBe(before.respond['target']);
    expect(after.respond['other']).not.toBe(before.respond['other']);
    expect(after.judge['target']?.['target']).toBe(before.judge['target']?.['target']);
    expect(after.judge['target']?.['other']).not.toBe(before.judge['target']?.['other']);
    expect(after.judge['other']?.['target']).not.toBe(before.judge['other']?.['target']);
  });

  test('at another address is another model, unless an id says that it is the same', () => {
    const moved = (spec: RunSpecInput): void => void (model(spec, 'other').baseURL = 'http://10.0.0.1:8000/v1');
    expect(changed(moved)).toEqual(FROM_RESPOND);
    const named = (spec: RunSpecInput): void => void (model(spec, 'other').id = 'other@rev1');
    const namedAndMoved = (spec: RunSpecInput): void => {
      named(spec);
      moved(spec);
      model(spec, 'other').model = 'served-name';
    };
    expect(keysOf(namedAndMoved)).toEqual(keysOf(named));
  });

  test('with another chat template is another model', () => {
    expect(modelIdentity(modelSpec({ template: 'chatml' }))).not.toBe(modelIdentity(modelSpec({ template: 'llama-3' })));
    expect(modelIdentity(modelSpec({ template: 'chatml' }))).not.toBe(modelIdentity(modelSpec()));
  });
});

describe('filters', () => {
  const filtered = (quality: NonNullable<RunSpecInput['synthesis']['quality']>, content: Partial<ContentIdentities> = {}): StageKeys =>
    keysOf((spec) => (spec.synthesis.quality = quality), content);
  const otherDocuments = { evaluation: ['hub', 'local', 'hub', 'hub'] };

  test('have a key of their own, by what they do', () => {
    const keys = [
      filtered({ refusals: true }),
      filtered({ refusals: true, language: ['en'] }),
      filtered({ duplicates: {} }),
      filtered({ duplicates: { near: {} } }),
    ];
    expect(new Set(keys.map(({ filter }) => filter)).size).toBe(4);
    expect(keysOf().filter).toBeUndefined();
    expect(filtered({ language: ['en', 'de'] }).filter).toBe(filtered({ language: ['de', 'en'] }).filter);
  });

  test('depend on the evaluation documents only where they read them', () => {
    expect(filtered({ refusals: true }, otherDocuments).filter).toBe(filtered({ refusals: true }).filter);
    const [before, after] = [filtered({ decontaminate: {} }), filtered({ decontaminate: {} }, otherDocuments)];
    expect(after.filter).not.toBe(before.filter);
    expect(after.respond).not.toEqual(before.respond);
    expect(Object.keys(before.documents ?? {})).toEqual(['mmlu_pro', 'gpqa', 'ifeval', 'math_level_5']);
    expect(filtered({ refusals: true }).documents).toEqual({});
  });
});

test('one more generator keeps the keys of the others, and one more judge those of all responses', () => {
  const before = keysOf();
  const third = (spec: RunSpecInput): void => void (spec.models['third'] = { ...model(spec, 'other'), model: 'third' });
  const generator = keysOf((spec) => {
    third(spec);
    spec.synthesis.respond.generators = ['third', 'target', 'other'];
  });
  expect(generator.extract).toBe(before.extract);
  expect(generator.respond).toMatchObject(before.respond);
  expect(generator.judge).toMatchObject(before.judge);
  expect(Object.keys(generator.judge['target']!)).toHaveLength(3);
  expect(generator.select).not.toBe(before.select);

  const judge = keysOf((spec) => {
    third(spec);
    spec.synthesis.judge.judges = ['target', 'other', 'third'];
  });
  expect(judge.respond).toEqual(before.respond);
  expect(judge.judge).toMatchObject(before.judge);
  expect(judge.select).not.toBe(before.select);
});

test('the sampling of one model changes only what that model does', () => {
  const before = keysOf();
  const after = keysOf((spec) => (spec.synthesis.respond.perModel = { other: { temperature: 0.3 } }));
  expect(after.respond['target']).toBe(before.respond['target']);
  expect(after.respond['other']).not.toBe(before.respond['other']);
});

test('an override that says what the stage says anyway changes nothing', () => {
  expect(changed((spec) => (spec.synthesis.respond.perModel = { other: { maxTokens: 64 } }))).toEqual([]);
});

test('the official and the trained model are evaluated under different keys, and the official one whatever was trained', () => {
  const before = keysOf();
  const after = keysOf((spec) => (spec.train!.maxSteps = 9));
  expect(after.variants['official']).toEqual(before.variants['official']);
  expect(after.variants['method']!.evaluate).not.toBe(before.variants['method']!.evaluate);
});

describe('variants', () => {
  const withVariants = (change: (spec: RunSpecInput) => void = () => undefined): StageKeys['variants'] =>
    keysOf(
      (spec) => {
        spec.variants = [
          'official',
          'method',
          'first-response',
          'target-best',
          'new-data-only',
          { name: 'again', replay: 'method' },
          { name: 'mine', replay: { files: ['a.jsonl'], schema: { kind: 'alpaca' } } },
        ];
        spec.sweep = { newShare: [0.1, 0.5] };
        change(spec);
      },
      { replayFiles: { 'a.jsonl': 'aaa' } },
    ).variants;

  test('each kind of replay set has keys of its own, and like variants share theirs', () => {
    const { official, method, again, ...others } = withVariants();
    expect(again).toEqual(method);
    expect(official).toEqual({ evaluate: expect.any(String) as string });
    const all = [method!, ...Object.values(others)];
    for (const stage of ['mix', 'train', 'evaluate'] as const) expect(new Set(all.map((keys) => keys[stage])).size).toBe(all.length);
    expect(
      Object.entries(others)
        .filter(([, keys]) => keys.replay !== undefined)
        .map(([name]) => name),
    ).toEqual(['first-response', 'target-best', 'mine']);
    expect(Object.keys(others)).toContain('method-share-0.5');
  });

  test('the ablations depend on the target model alone', () => {
    const before = withVariants();
    const after = withVariants((spec) => {
      model(spec, 'other').model = 'another';
    });
    expect(after['first-response']!.replay).toBe(before['first-response']!.replay);
    expect(after['target-best']!.replay).toBe(before['target-best']!.replay);
    // How many rows are drawn follows the method's replay set, which did change.
    expect(after['first-response']!.mix).not.toBe(before['first-response']!.mix);
  });

  test('another content of a local file is another replay set', () => {
    const of = (hash: string): string | undefined =>
      keysOf((spec) => (spec.variants = [{ name: 'mine', replay: { files: ['a.jsonl'], schema: { kind: 'alpaca' } } }]), {
        replayFiles: { 'a.jsonl': hash },
      }).variants['mine']!.replay;
    expect(of('aaa')).toBe(of('aaa'));
    expect(of('bbb')).not.toBe(of('aaa'));
  });
});

test('a task is evaluated again for another model, seed, documents or setting, and for nothing else', () => {
  const key = (change: (spec: RunSpecInput) => void = () => undefined, model = 'a', content = CONTENT): string =>
    evaluateTaskStage.key({ spec: smallSpec(BASE_URL, change), content }, 'gpqa', model);
  const before = key();
  expect(key((draft) => (draft.evaluate = { batchSize: 1 }))).toBe(before);
  expect(
    key((draft) => (draft.evaluate = { tasks: [{ task: 'ifeval', limit: 3 }, { task: 'gpqa' }] }), 'a', {
      ...CONTENT,
      evaluation: ['hub', 'hub'],
    }),
  ).toBe(before);
  const others = [
    key(undefined, 'b'),
    key((draft) => (draft.seed = 43)),
    key((draft) => (draft.evaluate = { dtype: 'float32' })),
    key((draft) => (draft.evaluate = { tasks: [{ task: 'gpqa', limit: 3 }] }), 'a', { ...CONTENT, evaluation: ['hub'] }),
    key(undefined, 'a', { ...CONTENT, evaluation: ['hub', 'local', 'hub', 'hub'] }),
  ];
  expect(new Set([before, ...others]).size).toBe(6);
});

/** A spec of each kind with the keys that release 0.1.0 gave it: they stay, or a store's outputs are no longer found. */
interface OldRun {
  readonly name: string;
  readonly spec: RunSpec;
  readonly content: ContentIdentities;
  readonly keys: StageKeys;
}

const OLD_RUNS = JSON.parse(readFileSync(join(__dirname, '../fixtures/stage-keys-0.1.0.json'), 'utf8')) as OldRun[];

test.each(OLD_RUNS)('the keys of $name are those that release 0.1.0 gave', ({ spec, content, keys }) => {
  expect(stageKeys(spec, content)).toEqual(keys);
});

describe("a model's own chat template", () => {
  /** As much of one as keys read. */
  const own = (identity: string): ReadTemplate =>
    ({ identities: { extraction: `${identity} e`, conversation: `${identity} c`, text: `${identity} t` } }) as unknown as ReadTemplate;
  const read = (spec: RunSpecInput): void => void delete model(spec, 'target').template;

  test('that is read of the target changes every stage with it, by what it says', () => {
    const keys = (identity: string): StageKeys => keysOf(read, { templates: { target: own(identity) } });
    expect(keys('a')).toEqual(keys('a'));
    expect(keys('b').extract).not.toBe(keys('a').extract);
    expect(keys('b').respond['target']).not.toBe(keys('a').respond['target']);
    expect(keys('a').extract).not.toBe(keysOf().extract);
  });

  test('of a judge counts as a whole only where the judge reads raw prompts', () => {
    const templates = (conversation: string): Partial<ContentIdentities> => ({
      templates: { target: { identities: { extraction: 'e', conversation, text: 't' } } as unknown as ReadTemplate },
    });
    const judged = (scoring: 'text' | 'expected', conversation: string): unknown =>
      keysOf((spec) => {
        read(spec);
        spec.synthesis.judge.scoring = scoring;
      }, templates(conversation)).judge['target'];
    expect(judged('text', 'a')).toEqual(judged('text', 'b'));
    expect(judged('expected', 'a')).not.toEqual(judged('expected', 'b'));
  });
});
