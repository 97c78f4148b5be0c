import { totalsOf } from '../../../cli/progress/run-totals';
import type { StageProgress } from '../../../contract/progress';

function row(stage: StageProgress['stage'], model: string, change: Partial<StageProgress>): StageProgress {
  return {
    stage,
    model,
    done: 0,
    total: 100,
    failed: 0,
    promptTokens: 0,
    completionTokens: 0,
    usd: 0,
    errors: {},
    state: 'running',
    ...change,
  };
}

describe('the totals of a run', () => {
  it('are sums over its rows, errors by kind', () => {
    const rows = [
      row('respond', 'a', { promptTokens: 10, completionTokens: 5, usd: 0.5, errors: { rate_limited: 2 } }),
      row('judge', 'b', { promptTokens: 20, completionTokens: 1, usd: 0.25, errors: { rate_limited: 1, timeout: 4 } }),
    ];
    expect(totalsOf(rows)).toEqual({
      promptTokens: 30,
      completionTokens: 6,
      usd: 0.75,
      errors: { rate_limited: 3, timeout: 4 },
      synthesisLeftMs: null,
    });
  });

  it('give the time left of the slowest row of model calls: the stages run at once', () => {
    const rows = [
      row('extract', 't', { done: 100, state: 'done' }),
      row('respond', 'a', { done: 90, perSecond: 1 }),
      row('judge', 'a', { done: 40, perSecond: 0.5 }),
      row('select', '', { state: 'waiting' }),
      row('train', 'method', { done: 1, perSecond: 0.001 }),
    ];
    expect(totalsOf(rows).synthesisLeftMs).toBe(120_000);
  });

  it.each<[string, StageProgress[]]>([
    ['a row of model calls has not begun', [row('respond', 'a', { perSecond: 1 }), row('judge', 'a', { state: 'waiting' })]],
    ['one runs without evidence', [row('respond', 'a', { perSecond: 1 }), row('judge', 'a', {})]],
    ['all are done', [row('respond', 'a', { done: 100, state: 'done' })]],
    ['the run is paused', [row('respond', 'a', { perSecond: 1, state: 'paused' })]],
    ['there are no rows', []],
  ])('give none while %s', (_, rows) => {
    expect(totalsOf(rows).synthesisLeftMs).toBeNull();
  });
});
