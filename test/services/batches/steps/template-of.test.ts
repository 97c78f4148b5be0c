import { stopStrings, templateOf } from '../../../../services/batches/steps/template-of';
import { smallSpec } from '../../../support/small-spec';

describe('stop strings', () => {
  it.each([
    [[], [], []],
    [['a', 'b'], [], ['a', 'b']],
    [
      ['a', 'b'],
      ['b', 'x'],
      ['b', 'x', 'a'],
    ],
    [
      ['a', 'b', 'c'],
      ['w', 'x', 'y', 'z'],
      ['w', 'x', 'y', 'z'],
    ],
  ])('of the template %j and the spec %j are %j', (template, own, all) => {
    expect(stopStrings(template, own)).toEqual(all);
  });
});

describe("a model's template", () => {
  it('is the one of the spec', () => {
    expect(templateOf(smallSpec('http://127.0.0.1:9/v1'), 'target').name).toBe('chatml');
  });

  it('is missed by name', () => {
    const spec = smallSpec('http://127.0.0.1:9/v1', ({ models }) => delete models['other']!.template);
    expect(() => templateOf(spec, 'other')).toThrow('models.other has no template; raw prompts need one');
  });
});
