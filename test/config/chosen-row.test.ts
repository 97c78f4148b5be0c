import { withChosenRow } from '../../config/chosen-row';
import { parseSpec } from '../../config/load-spec';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import { specOfVariant } from '../../config/training-method';
import { variantsOf } from '../../config/variants';
import { validSpec } from './valid-spec';

type Variants = NonNullable<RunSpecInput['variants']>;

const specOf = (change: Partial<RunSpecInput>): RunSpec => parseSpec({ ...validSpec(), ...change } as RunSpecInput);

const large = specOf({
  variants: ['official', 'method', 'new-data-only'],
  sweep: { newShare: [0.5] },
  train: { learningRate: 1e-6, epochs: 3, gradientAccumulation: 64 },
});

/** The large run with a row of a small one, which has these settings. */
function taken(variants: Variants, small: Partial<RunSpecInput> = {}): RunSpec {
  const spec = specOf({ ...small, variants });
  return withChosenRow(large, { spec, variants: spec.variants });
}

test('a large run takes the row with the share, method and rate that it had in the small one, and keeps its own steps and batches', () => {
  const small = { mix: { ...validSpec().mix!, newShare: 0.33 }, train: { learningRate: 1e-4, maxSteps: 12 } };
  const spec = taken(['official', 'method'], small);
  expect(variantsOf(spec).map(({ name, newShare }) => [name, newShare])).toEqual([
    ['official', 0],
    ['method', 0.33],
  ]);
  expect(spec.train).toMatchObject({ learningRate: 1e-4, epochs: 3, gradientAccumulation: 64 });
  expect(spec.train.maxSteps).toBeUndefined();
  expect(spec.models).toEqual(large.models);
});

test.each<[string, Variants, Partial<RunSpecInput>, string]>([
  ['a row at a share of its own', ['official', { name: 'half', replay: 'method', newShare: 0.5 }], {}, 'half'],
  ['a row by another method', ['official', { name: 'lora', train: { method: 'lora' } }], { train: { maxSteps: 12 } }, 'lora'],
  ['a row of a run that trains adapters', ['official', 'method'], { train: { lora: { rank: 4 } } }, 'method'],
])('%s is trained as it was', (_, variants, small, name) => {
  const before = specOf({ ...small, variants });
  const [then, now] = [before, taken(variants, small)].map((spec) => ({
    variant: variantsOf(spec).find((each) => each.name === name)!,
    train: specOfVariant(spec, name).train,
  }));
  expect(now!.variant).toEqual(then!.variant);
  const { learningRate, lora } = then!.train;
  expect(now!.train).toMatchObject({ learningRate, ...(lora === undefined ? {} : { lora }) });
});

test('adapters of the large run are no part of a row that has none', () => {
  const spec = specOf({ variants: ['official', 'method'] });
  const adapters = specOf({ variants: ['official', 'method'], train: { lora: {} } });
  expect(withChosenRow(adapters, { spec, variants: spec.variants }).train.lora).toBeUndefined();
});

test('an interpolated row comes with the one that it is made from', () => {
  const spec = taken(['official', 'method', { name: 'half', interpolate: { of: 'method', weight: 0.5 } }]);
  expect(variantsOf(spec).map(({ name }) => name)).toEqual(['official', 'method', 'half']);
});
