import { parseSpecText } from '../../config/load-spec';
import type { RunSpec } from '../../config/spec';
import { specWarnings } from '../../config/spec-warnings';
import { hasChatFormat, modelsWithOwnTemplate, templatePlaces } from '../../config/template-places';
import { validSpec } from './valid-spec';

/** A spec in /specs whose target is as given, without a template. */
function specOf(target: object, weights?: { readonly weights?: string; readonly revision?: string }): RunSpec {
  const spec = validSpec();
  const model = { baseURL: 'http://h/v1', model: 'target-7b', ...target };
  const text = JSON.stringify({
    ...spec,
    models: { ...spec.models, target: model },
    target: { model: 'target', weights: 'org/w', ...weights },
  });
  return parseSpecText(text, { folder: '/specs', file: 'spec.json' });
}

const placesOf = (spec: RunSpec): string[] => templatePlaces(spec, 'target').map(({ place }) => place);

describe('where the chat template of the target is looked for', () => {
  it.each<[string, RunSpec, string[]]>([
    ['its weights', specOf({}), ['org/w']],
    ['its weights, then its id on the hub', specOf({ model: 'org/target' }, { weights: './model' }), ['/specs/model', 'org/target']],
    ['the same place once', specOf({ model: 'org/w' }), ['org/w']],
    ['its tokenizer alone', specOf({ model: 'org/target', tokenizer: '../t/model.gguf' }), ['/t/model.gguf']],
    [
      'what it is served from',
      specOf({ baseURL: undefined, serve: { engine: 'llama.cpp', weights: '/m/model.gguf' } }),
      ['org/w', '/m/model.gguf'],
    ],
    ['its tokenizer, which is read only where the spec names no format', specOf({ template: 'chatml', tokenizer: 'org/t' }), ['org/t']],
  ])('%s', (_, spec, places) => {
    expect(placesOf(spec)).toEqual(places);
  });

  it('with the revision of the weights, and no other', () => {
    expect(templatePlaces(specOf({ model: 'org/target' }, { revision: 'abc' }), 'target')).toEqual([
      { place: 'org/w', revision: 'abc', field: 'target.weights' },
      { place: 'org/target', field: 'models.target.model' },
    ]);
  });
});

test('a format is read of the target and of those that name a tokenizer, unless the spec names it', () => {
  const spec = specOf({ tokenizer: 'org/t' });
  expect(modelsWithOwnTemplate(spec)).toEqual(['target']);
  expect(hasChatFormat(spec, 'target')).toBe(true);
  expect(hasChatFormat(spec, 'other')).toBe(false);
  const named = specOf({ template: 'chatml', tokenizer: 'org/t' });
  expect(modelsWithOwnTemplate(named)).toEqual([]);
  expect(hasChatFormat(named, 'target')).toBe(true);
  expect(specWarnings(named)).toContainEqual({
    path: 'models.target.tokenizer',
    message: 'it is not read, since template says the format.',
  });
});
