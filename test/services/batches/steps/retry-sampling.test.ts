import { retrySampling } from '../../../../services/batches/steps/retry-sampling';

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
