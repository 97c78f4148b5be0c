import { expectedBatch, expectedEpochs } from '../../planning/fine-tuning-job';

test.each([
  [10, 10],
  [50, 3],
  [5_000, 3],
  [20_000, 1],
  [100, 3],
])('expects of %i examples and auto %i epochs', (examples, epochs) => {
  expect(expectedEpochs('auto', examples)).toBe(epochs);
  expect(expectedEpochs(4, examples)).toBe(4);
});

test('expects of auto a batch of 0.2 % of the examples, from 1 to 256', () => {
  expect([100, 3_000, 1_000_000].map((examples) => expectedBatch('auto', examples))).toEqual([1, 6, 256]);
  expect(expectedBatch(8, 1_000_000)).toBe(8);
});
