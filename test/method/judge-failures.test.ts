import { failingJudges } from '../../method/judge-failures';

test('a judge that often gives no score is named with its share, its commonest reason and what to do', () => {
  expect(failingJudges([{ judge: 'small', asked: 200, reasons: { 'no rating': 4, truncated: 36 } }])).toEqual([
    'the judge small gave no score for 40 of the 200 responses that it was shown (20 %), 36 times because of "truncated": raise synthesis.judge.sampling.maxTokens',
  ]);
  expect(failingJudges([{ judge: 'r1', asked: 40, reasons: { 'unfinished thinking': 40 } }])[0]).toContain('thinking.maxTokens');
});

test('a few failures, or few judgments, are no reason for a word', () => {
  expect(
    failingJudges([
      { judge: 'a', asked: 1000, reasons: { truncated: 99 } },
      { judge: 'b', asked: 19, reasons: { truncated: 19 } },
      { judge: 'c', asked: 1000, reasons: {} },
    ]),
  ).toEqual([]);
});
