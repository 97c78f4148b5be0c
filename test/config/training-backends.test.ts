import { parseSpec } from '../../config/load-spec';
import { endpointModels } from '../../config/models-in-use';
import { fixedSteps, providerTrainedModel, trainingTraits } from '../../config/training-backends';
import { validSpec } from './valid-spec';

const target = { model: 'target' };

test('a spec trains weights on a worker unless it says otherwise, also where its backend is misspelt', () => {
  for (const train of [undefined, {}, { backend: 'trl' }, { backend: 'opnai' }, { backend: 'constructor' }]) {
    expect(providerTrainedModel({ target, train })).toBeUndefined();
    expect(trainingTraits({ train }).readsWeights).toBe(true);
  }
});

test('a provider trains the model that its settings name, else the target', () => {
  expect(providerTrainedModel({ target, train: { backend: 'openai' } })).toBe('target');
  expect(providerTrainedModel({ target, train: { backend: 'openai', openai: { model: 'gpt' } } })).toBe('gpt');
  expect(providerTrainedModel({ target, train: { openai: { model: 'gpt' } } })).toBeUndefined();
});

test('the model that a provider trains must be at its endpoint, also when no stage calls it', () => {
  const spec = parseSpec(validSpec());
  expect(endpointModels(spec)).toEqual(['target', 'other']);
  expect(endpointModels({ ...spec, train: { backend: 'openai', openai: { model: 'gpt' } } })).toEqual(['target', 'other', 'gpt']);
});

test('steps of a spec are fixed where its own trainer reads them', () => {
  expect(fixedSteps({ train: { backend: 'trl', maxSteps: 5 } })).toBe(5);
  expect(fixedSteps({ train: { backend: 'trl' } })).toBeUndefined();
  expect(fixedSteps({ train: { backend: 'openai', maxSteps: 5 } })).toBeUndefined();
});
