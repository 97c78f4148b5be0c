import { parseSpec } from '../../config/load-spec';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import { methodOf, specOfVariant } from '../../config/training-method';
import { variantsOf } from '../../config/variants';
import { planCost } from '../../planning/cost-plan';
import { stageKeys, type StageKeys } from '../../stages/chain';
import { smallSpec } from '../support/small-spec';
import { validSpec } from './valid-spec';

const URL = 'http://127.0.0.1:9/v1';
const CONTENT = { newData: 'new-data', weights: 'weights', evaluation: ['hub', 'hub', 'hub', 'hub'], replayFiles: {} };

type Variants = NonNullable<RunSpecInput['variants']>;

const specWith = (variants: Variants, train: RunSpecInput['train'] = {}): RunSpec =>
  smallSpec(URL, (input) => {
    input.variants = variants;
    input.train = { ...input.train, ...train };
  });
const keysWith = (variants: Variants, train: RunSpecInput['train'] = {}): StageKeys['variants'] =>
  stageKeys(specWith(variants, train), CONTENT).variants;
const trainOf = (variants: Variants, name: string, train: RunSpecInput['train'] = {}): RunSpec['train'] =>
  specOfVariant(specWith(variants, train), name).train;

/** A spec of a model whose name tells its size. */
const sized = (variants: Variants): RunSpec => parseSpec({ ...validSpec(), variants });

/** The sentence that a spec with these variants is refused with. */
function refusal(variants: unknown, train: unknown = {}): string {
  try {
    parseSpec({ ...validSpec(), variants, train } as RunSpecInput);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the spec was accepted');
}

describe('a variant that trains otherwise', () => {
  test('has the settings of train but for its own', () => {
    const train = { learningRate: 3e-6, epochs: 2, maxSteps: 40, weightDecay: 0.1 };
    const variants: Variants = ['method', { name: 'hot', replay: 'method', train: { learningRate: 1e-5 } }];
    expect(trainOf(variants, 'hot', train)).toEqual({ ...trainOf(variants, 'method', train), learningRate: 1e-5 });
    // Epochs of its own are not cut short by the steps of the others.
    const longer = trainOf(['method', { name: 'long', replay: 'method', train: { epochs: 3 } }], 'long', train);
    expect(longer).toMatchObject({ epochs: 3, learningRate: 3e-6 });
    expect(longer.maxSteps).toBeUndefined();
  });

  test('by another method takes new data alone, and the rate that its authors use, where it says nothing else', () => {
    const variants: Variants = [
      { name: 'lora', train: { method: 'lora' } },
      { name: 'osf', replay: 'method', train: { method: 'osf', learningRate: 1e-6 } },
    ];
    expect(variantsOf(specWith(variants)).map(({ name, replay, newShare }) => [name, replay, newShare])).toEqual([
      ['lora', { kind: 'none' }, 1],
      ['osf', { kind: 'method' }, 0.17],
    ]);
    expect(trainOf(variants, 'lora')).toMatchObject({ learningRate: 2e-4, lora: { rank: 16, alpha: 32, dropout: 0, quantize: false } });
    expect(trainOf(variants, 'osf')).toMatchObject({ learningRate: 1e-6, osf: { effectiveRank: 0.5 } });
    expect(trainOf(variants, 'osf').lora).toBeUndefined();
    const sdft = trainOf([{ name: 'sdft', train: { method: 'sdft' } }], 'sdft');
    expect(sdft).toMatchObject({ learningRate: 2e-5, sdft: { generations: 8, maxTokens: 256, temperature: 1 } });
    // It asks questions, and learns the new data as full SFT does.
    const distill: Variants = ['method', { name: 'distill', train: { method: 'distill' } }];
    expect(variantsOf(specWith(distill))[1]).toMatchObject({ replay: { kind: 'method' }, newShare: 0.17 });
    expect(trainOf(distill, 'distill', { learningRate: 3e-6 })).toMatchObject({
      learningRate: 3e-6,
      distill: { epochs: 1, maxTokens: 256, temperature: 1 },
    });
    expect(trainOf(distill, 'distill', { lora: {}, learningRate: 1e-4 })).toMatchObject({ learningRate: 1e-6 });
    // Where train is LoRA already, a full row drops the adapters.
    const full = trainOf([{ name: 'full', train: { method: 'full' } }], 'full', { lora: { rank: 4 } });
    expect([full.lora, full.learningRate]).toEqual([undefined, 1e-6]);
  });

  test('train.lora alone means lora, as it always did', () => {
    expect(methodOf(specWith(['method'], { lora: {} }).train)).toBe('lora');
    expect(methodOf(specWith(['method']).train)).toBe('full');
    expect(keysWith(['method'], { method: 'lora' })).toEqual(keysWith(['method'], { lora: {} }));
    expect(keysWith(['method'], { method: 'full' })).toEqual(keysWith(['method']));
  });

  test('changes no key but its own training and evaluation', () => {
    const before = keysWith(['official', 'method', 'new-data-only']);
    const after = keysWith([
      'official',
      'method',
      'new-data-only',
      { name: 'lora', train: { method: 'lora' } },
      { name: 'same', replay: 'method', train: { learningRate: 1e-6 } },
    ]);
    expect(after).toMatchObject(before);
    expect(after['lora']!.mix).toBe(before['new-data-only']!.mix);
    expect(after['lora']!.train).not.toBe(before['new-data-only']!.train);
    // What comes to the same settings is the same training.
    expect(after['same']).toEqual(before['method']);
  });
});

describe('an interpolated row', () => {
  const variants: Variants = ['official', 'method', { name: 'half', interpolate: { of: 'method', weight: 0.5 } }];

  test('depends on the training that it is made from, and on its weight', () => {
    const { half, method } = keysWith(variants);
    expect(Object.keys(half!)).toEqual(['train', 'evaluate']);
    const other = keysWith([...variants.slice(0, 2), { name: 'half', interpolate: { of: 'method', weight: 0.25 } }]);
    expect(other['method']).toEqual(method);
    expect(other['half']!.train).not.toBe(half!.train);
    expect(keysWith(variants, { learningRate: 1e-5 })['half']!.train).not.toBe(half!.train);
  });

  test('may stand before the row that it is made from', () => {
    expect(keysWith([variants[2]!, 'method'])['half']).toEqual(keysWith(variants)['half']);
  });

  test('is no training in the plan, but weights on the disk', () => {
    const [without, plan] = [planCost(sized(['official', 'method'])), planCost(sized(variants))];
    expect([plan.training.trainings, plan.interpolated]).toEqual([1, ['half']]);
    expect(plan.diskBytes.checkpoints - without.diskBytes.checkpoints).toBe(4 * 7e9);
  });
});

test('the plan tells what each row takes that is trained otherwise', () => {
  const plan = planCost(
    sized([
      'official',
      'method',
      { name: 'lora', train: { method: 'lora', maxSteps: 3 } },
      { name: 'osf', replay: 'method', train: { method: 'osf' } },
      { name: 'sdft', replay: 'method', train: { method: 'sdft' } },
      { name: 'new', train: { method: 'full', learningRate: 2e-6 } },
      { name: 'distill', train: { method: 'distill' } },
    ]),
  );
  expect(plan.training.trainings).toBe(1);
  expect(plan.ownTrainings.map(({ name, tuning }) => [name, tuning])).toEqual([
    ['lora', 'lora'],
    ['osf', 'osf'],
    ['sdft', 'sdft'],
    ['new', 'full'],
    ['distill', 'distill'],
  ]);
  expect(plan.ownTrainings[0]!.steps).toBe(3);
  expect(plan.ownTrainings[1]!.hours! / plan.training.hours!).toBeCloseTo(2, 9);
  // Eight answers to each question, and half as much again for sampling them and asking the teacher.
  expect(plan.ownTrainings[2]!.steps).toBe(Math.ceil(plan.training.examples / plan.training.devices!));
  expect(plan.ownTrainings[2]!.hours! / plan.training.hours!).toBeCloseTo(8 * 1.5, 1);
  // The new data, and then one answer to each question of the replay set.
  const [fresh, distilled] = plan.ownTrainings.slice(3);
  expect(distilled!.examples).toBeGreaterThanOrEqual(fresh!.examples + plan.mixture.replay);
  expect(distilled!.steps).toBe(fresh!.steps + Math.ceil(plan.mixture.replay / 8));
  expect(distilled!.hours).toBeGreaterThan(fresh!.hours!);
});

test.each([
  [
    'a row that is not trained',
    [{ name: 'half', interpolate: { of: 'official', weight: 0.5 } }, 'official'],
    {},
    'variants[0].interpolate.of: got "official", expected a row that is trained',
  ],
  [
    'a row that is interpolated itself',
    ['method', { name: 'a', interpolate: { of: 'method', weight: 0.5 } }, { name: 'b', interpolate: { of: 'a', weight: 0.5 } }],
    {},
    'variants[2].interpolate.of: got "a", expected a row that is trained: method; add that row to variants.',
  ],
  ['a weight that is none', ['method', { name: 'a', interpolate: { of: 'method', weight: 1 } }], {}, 'variants[1].interpolate.weight'],
  [
    'no replay set and no method',
    [{ name: 'a', train: { epochs: 2 } }],
    {},
    'variants[0].replay: got nothing, expected what is mixed with the new data',
  ],
  ['no replay set and no training', [{ name: 'a' }], {}, 'variants[0].replay: got nothing'],
  [
    'settings of another method',
    [{ name: 'a', train: { method: 'full', lora: {} } }],
    {},
    'variants[0].train.lora: got settings of lora, expected none, since the method is full; remove them, or set method to lora.',
  ],
  ['both methods at once', ['method'], { lora: {}, osf: {} }, 'train.osf: got settings of osf, expected none, since the method is lora'],
  [
    'OSF over several devices',
    [{ name: 'a', train: { method: 'osf' } }],
    { accelerate: 'cpu' },
    'variants[0].train.method: got osf with train.accelerate, expected one device',
  ],
  [
    'OSF with a decay',
    [{ name: 'a', train: { method: 'osf', weightDecay: 0.1 } }],
    {},
    'variants[0].train.weightDecay: got 0.1, expected 0 with osf',
  ],
  [
    'self-distillation over several devices',
    [{ name: 'a', train: { method: 'sdft' } }],
    { accelerate: 'cpu' },
    'variants[0].train.method: got sdft with train.accelerate, expected one device',
  ],
  [
    'self-distillation of thoughts',
    [{ name: 'a', train: { method: 'sdft' } }],
    { thoughts: 'keep' },
    'variants[0].train.method: got sdft with train.thoughts: keep, expected answers alone',
  ],
  [
    'self-distillation in packed rows',
    [{ name: 'a', train: { method: 'sdft' } }],
    { packing: true },
    'variants[0].train.method: got sdft with train.packing, expected no packing',
  ],
  [
    'self-distillation in steps that part the answers to a question',
    [{ name: 'a', train: { method: 'sdft', sdft: { generations: 3 } } }],
    {},
    'variants[0].train.sdft: got 3 generations in steps of 8 answers (perDeviceBatchSize x gradientAccumulation), expected steps that hold all answers to a question; set sdft.generations to a divisor of 8',
  ],
  [
    'distillation over several devices',
    [{ name: 'a', train: { method: 'distill' } }],
    { accelerate: 'cpu' },
    'variants[0].train.method: got distill with train.accelerate, expected one device',
  ],
  [
    'distillation without questions',
    [{ name: 'a', replay: 'none', train: { method: 'distill' } }],
    {},
    'variants[0].replay: got none with distill, expected a replay set, whose questions are put to the model; leave it out for the method’s.',
  ],
  [
    'a rate that destroys',
    [{ name: 'a', replay: 'method', train: { learningRate: 0.01 } }],
    {},
    'variants[0].train.learningRate: got 0.01, expected at most 0.001 for full SFT',
  ],
  [
    'a known row with settings of its own',
    [{ name: 'method', replay: 'method', train: { epochs: 2 } }],
    {},
    'variants[0].name: got "method", expected another name',
  ],
])('%s is refused', (_, variants, train, sentence) => {
  expect(refusal(variants, train)).toContain(sentence);
});
