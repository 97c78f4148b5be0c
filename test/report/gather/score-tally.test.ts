import type { MeanScore } from '../../../method/selection';
import { ScoreTally } from '../../../report/gather/score-tally';

const JUDGES = ['a', 'b'];

function tally(agreementResponses: number): ScoreTally {
  const scores = new ScoreTally({ judges: JUDGES, generators: ['g'], scoring: 'text', seed: 1, responses: 2000, agreementResponses });
  for (let index = 0; index < 1000; index++) {
    const id = `i${String(index).padStart(7, '0')}`;
    scores.addMeans(
      id,
      [0, 1].map((sample): MeanScore => ({
        responseId: `${id}:g:${sample}`,
        model: 'g',
        sample,
        scores: { a: 1 + ((index + sample) % 5), b: 1 + (index % 5) },
        judges: 2,
        mean: 3,
      })),
    );
  }
  return scores;
}

test('agreement is computed from all responses while they are few', () => {
  expect(tally(2000).result().agreementSample).toEqual({ responses: 2000, complete: true });
});

test('beyond the limit a seeded sample of whole instructions stands for all, and the report says so', () => {
  const { agreementSample, agreement, means } = tally(500).result();
  expect(agreementSample.complete).toBe(false);
  expect(agreementSample.responses % 2).toBe(0);
  expect(agreementSample.responses).toBeGreaterThan(350);
  expect(agreementSample.responses).toBeLessThan(650);
  expect(tally(500).result().agreement).toEqual(agreement);
  expect(means.all.reduce((sum, { count }) => sum + count, 0)).toBe(2000);
});

test('whole ratings have bins of one, and means of two judges bins of a half', () => {
  const { judges, means } = tally(10).result();
  expect(judges[0]?.bins.map(({ score }) => score)).toEqual([1, 2, 3, 4, 5]);
  expect(means.all.map(({ score }) => score)).toEqual([1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]);
});
