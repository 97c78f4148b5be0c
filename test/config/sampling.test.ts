import { samplingFor } from '../../config/sampling';

const sampling = { temperature: 1, topP: 0.9, maxTokens: 10 };

test('overrides of a model replace single settings of its stage', () => {
  const stage = { sampling, perModel: { a: { temperature: 0.2 } } };
  expect(samplingFor(stage, 'a')).toEqual({ temperature: 0.2, topP: 0.9, maxTokens: 10 });
  expect(samplingFor(stage, 'b')).toEqual(sampling);
});

test('a model may be called what every object has', () => {
  expect(samplingFor({ sampling, perModel: {} }, 'constructor')).toEqual(sampling);
});
