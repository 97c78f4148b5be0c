import { leftMsOf, leftText, type StageProgress } from '../../../contract/progress';
import { markdownTable, markdownText } from '../../../workflows/progress/markdown-table';

function row(change: Partial<StageProgress>): StageProgress {
  return {
    stage: 'judge',
    model: 'm',
    done: 0,
    total: 9_000,
    failed: 0,
    promptTokens: 0,
    completionTokens: 0,
    usd: 0,
    errors: {},
    state: 'waiting',
    ...change,
  };
}

function table(rows: readonly StageProgress[]): string[] {
  return markdownTable(rows).map((line) => line.replaceAll('\u00a0', ' '));
}

test('the table of the Web UI has what is done, rate, time left, errors by kind, tokens and dollars', () => {
  const rows = [
    row({
      done: 4_500,
      failed: 3,
      perSecond: 0.5,
      errors: { timeout: 2, rate_limited: 1_234 },
      promptTokens: 1_000_000,
      completionTokens: 234_000,
      usd: 1.5,
      state: 'running',
    }),
    row({ model: 'n' }),
    row({ stage: 'train', model: 'method', done: 5, total: 5, state: 'done', note: '5 steps' }),
  ];
  expect(table(rows)).toEqual([
    '| stage | model | done | lost | rate | left | errors | tokens | cost |  |',
    '| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |',
    '| ▶ judge | m | 4,500 / 9,000 | 3 | 30/min | 2h 30m | 1.23k rate limited, 2 timeout | 1.23M | $1.50 |  |',
    '| · judge | n | 0 / 9,000 | 0 |  |  |  |  |  |  |',
    '| ✓ train | method | 5 / 5 | 0 |  |  |  |  |  | 5 steps |',
  ]);
});

test('columns that say nothing are left out, and no cell is broken into lines', () => {
  const rows = [row({ done: 4_500, state: 'running' }), row({ model: 'n' })];
  expect(table(rows)).toEqual([
    '| stage | model | done | lost | left |',
    '| --- | --- | ---: | ---: | ---: |',
    '| ▶ judge | m | 4,500 / 9,000 | 0 | – |',
    '| · judge | n | 0 / 9,000 | 0 |  |',
  ]);
  expect(markdownTable(rows)[2]).toContain('| 4,500\u00a0/\u00a09,000 |');
});

test.each<[string, Partial<StageProgress>, number | undefined, string]>([
  ['runs with a rate', { state: 'running', done: 8_000, perSecond: 10 }, 100_000, '1m 40s'],
  ['runs without evidence', { state: 'running' }, undefined, '–'],
  ['is paused', { state: 'paused', done: 1, perSecond: 10 }, undefined, ''],
  ['waits', {}, undefined, ''],
  ['is done', { state: 'done', done: 9_000 }, undefined, ''],
])('the time left of a row that %s', (_, change, ms, text) => {
  expect([leftMsOf(row(change)), leftText(row(change))]).toEqual([ms, text]);
});

test('what people, endpoints and models wrote is plain text on one line, and no Markdown', () => {
  expect(markdownText('a look\nat ![x](http://h/p) <img src=x> *b* | c')).toBe(
    String.raw`a look at \!\[x\](http://h/p) \<img src=x\> \*b\* \| c`,
  );
});
