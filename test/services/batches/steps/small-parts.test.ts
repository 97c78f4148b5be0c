import { lostBy, roughTokens } from '../../../../services/batches/steps/failures';
import { retrySampling } from '../../../../services/batches/steps/retry-sampling';
import { stopStrings, templateOf } from '../../../../services/batches/steps/template-of';
import { smallSpec } from '../../../support/small-spec';

describe('a loss by refusal', () => {
  it("has the endpoint's own words on one line, shortened", () => {
    const loss = lostBy('respond', 'i0000001:a:0', 'a', { kind: 'refused', status: 400, message: `too\r\n  long: ${'y'.repeat(300)}` }, 2);
    expect(loss).toEqual({
      stage: 'respond',
      id: 'i0000001:a:0',
      model: 'a',
      reason: `refused: too long: ${'y'.repeat(190)}`,
      attempts: 2,
    });
  });
});

describe('rough tokens', () => {
  it.each([
    ['', 0],
    ['abc', 1],
    ['abcd', 1],
    ['abcde', 2],
  ])('of %j are %i', (text, tokens) => {
    expect(roughTokens(text)).toBe(tokens);
  });
});

describe('the sampling of a retry', () => {
  const greedy = { temperature: 0, topP: 0.9, maxTokens: 8 };

  it('is the same for the first try, and for a judge that is sampled anyway', () => {
    expect(retrySampling(greedy, 0)).toEqual(greedy);
    expect(retrySampling({ ...greedy, temperature: 0.2 }, 2)).toEqual({ ...greedy, temperature: 0.2 });
  });

  it('is not greedy', () => {
    expect(retrySampling(greedy, 1)).toEqual({ ...greedy, temperature: 0.7 });
  });
});

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
    expect(templateOf(smallSpec('http://127.0.0.1:9/v1').models['target']!, 'target')).toBe('chatml');
  });

  it('is missed by name', () => {
    const { template: _, ...model } = smallSpec('http://127.0.0.1:9/v1').models['other']!;
    expect(() => templateOf(model, 'other')).toThrow('models.other has no template; raw prompts need one');
  });
});
