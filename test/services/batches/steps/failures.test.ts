import { refusalFailure } from '../../../../services/batches/steps/failures';

describe('a failure by refusal', () => {
  it("has the endpoint's own words on one line, shortened", () => {
    const failure = refusalFailure(
      'respond',
      'i0000001:a:0',
      'a',
      { kind: 'refused', status: 400, message: `too\r\n  long: ${'y'.repeat(300)}` },
      2,
    );
    expect(failure).toEqual({
      stage: 'respond',
      id: 'i0000001:a:0',
      model: 'a',
      reason: `refused: too long: ${'y'.repeat(190)}`,
      attempts: 2,
    });
  });
});
