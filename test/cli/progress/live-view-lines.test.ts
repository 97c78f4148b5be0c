import { LogLines } from '../../../cli/progress/live-view-lines';
import type { RunProgress } from '../../../cli/progress/run-reader';
import type { StageProgress } from '../../../contract/progress';

function row(
  stage: StageProgress['stage'],
  model: string,
  done: number,
  total: number,
  change: Partial<StageProgress> = {},
): StageProgress {
  const state = done >= total ? 'done' : done > 0 ? 'running' : 'waiting';
  return { stage, model, done, total, failed: 0, promptTokens: 0, completionTokens: 0, usd: 0, errors: {}, state, ...change };
}

interface Log {
  readonly see: (
    atS: number,
    rows: readonly StageProgress[] | null,
    warnings?: readonly string[],
    paused?: RunProgress['paused'],
  ) => string[];
}

function log(): Log {
  const lines = new LogLines();
  return {
    see: (atS, rows, warnings = [], paused = null) => {
      const progress: RunProgress = {
        runId: 'demo',
        status: 'RUNNING',
        stage: null,
        target: null,
        startedAt: '2026-11-03T09:00:00Z',
        closedAt: null,
        paused,
        rows,
        warnings,
      };
      return lines.next(progress, atS * 1000);
    },
  };
}

describe('LogLines', () => {
  it('says when a stage begins and when it is done, summed over its models', () => {
    const { see } = log();
    expect(see(0, null)).toEqual([]);
    expect(see(1, [row('respond', 'a', 0, 30), row('respond', 'b', 0, 30)])).toEqual([]);
    expect(see(2, [row('respond', 'a', 1, 30), row('respond', 'b', 0, 30)])).toEqual(['demo: respond has begun (60 to do)']);
    expect(see(3, [row('respond', 'a', 30, 30), row('respond', 'b', 29, 30)])).toEqual([]);
    const done = [
      row('respond', 'a', 30, 30, { failed: 2, promptTokens: 1_000, usd: 0.5, errors: { timeout: 3 } }),
      row('respond', 'b', 30, 30, { completionTokens: 345 }),
    ];
    expect(see(4, done)).toEqual(['demo: respond is done: 60/60, 2 lost, 1.34k tokens, $0.50, 3 timeout']);
    expect(see(500, done)).toEqual([]);
  });

  it("keeps the variants' stages apart, and gives their notes", () => {
    const { see } = log();
    expect(see(0, [row('evaluate', 'official/gpqa', 4, 4, { note: 'acc_norm 0.312' }), row('evaluate', 'method/gpqa', 0, 1)])).toEqual([
      'demo: evaluate official/gpqa is done: 4/4, acc_norm 0.312',
    ]);
  });

  it('otherwise prints at most one line in ten seconds, and none while nothing moves', () => {
    const { see } = log();
    see(0, [row('judge', 'a', 1, 1000)]);
    const printed = Array.from({ length: 40 }, (_, second) =>
      see(second + 1, [row('judge', 'a', 1 + (second + 1) * 2, 1000, { perSecond: 2 })]),
    ).map((lines, index) => [index + 1, ...lines]);
    expect(printed.filter((lines) => lines.length > 1)).toEqual(
      [
        [10, 'demo: judge 21/1,000, 2.0/s, 8m 10s left'],
        [20, 'demo: judge 41/1,000, 2.0/s, 8m left'],
        [30, 'demo: judge 61/1,000, 2.0/s, 7m 50s left'],
        [40, 'demo: judge 81/1,000, 2.0/s, 7m 40s left'],
      ].map(([second, line]) => [second, line]),
    );
    const still = row('train', 'method', 0, 5, { state: 'running', note: 'load model' });
    expect(see(100, [still])).toEqual(['demo: train method has begun (5 to do)']);
    expect(see(110, [still])).toEqual(['demo: train method 0/5, load model']);
    expect(see(130, [still])).toEqual([]);
  });

  it('does not say twice that a stage began when an open shard is missing for a moment', () => {
    const { see } = log();
    see(0, [row('extract', 'm', 3, 8)]);
    see(1, [row('extract', 'm', 8, 8)]);
    expect(see(2, [row('extract', 'm', 4, 8)])).toEqual([]);
    expect(see(3, [row('extract', 'm', 8, 8)])).toEqual([]);
  });

  it('tells a trouble once, however its counts grow, without what a terminal would obey', () => {
    const { see } = log();
    expect(see(0, [], ['judgeShard, attempt 2: no answer\u001b[2J from http://127.0.0.1'])).toEqual([
      'demo: warning: judgeShard, attempt 2: no answer from http://127.0.0.1',
    ]);
    expect(see(1, [], ['judgeShard, attempt 3: no answer\u001b[2J from http://127.0.0.1'])).toEqual([]);
    expect(see(2, [], ['trainVariant, attempt 2: out of memory'])).toEqual(['demo: warning: trainVariant, attempt 2: out of memory']);
  });

  it('says once why a run is paused and how it goes on, and nothing of its pace meanwhile', () => {
    const { see } = log();
    const row: StageProgress = {
      stage: 'extract',
      model: 'm',
      done: 1,
      total: 8,
      failed: 0,
      promptTokens: 0,
      completionTokens: 0,
      usd: 0,
      errors: {},
      state: 'running',
    };
    const paused = { by: 'storage', reason: 'the disk is\u001b[2J full' } as const;
    see(0, [row]);
    expect(see(20, [{ ...row, state: 'paused' }], [], paused)).toEqual([
      'demo: paused: the disk is full; go on with: npx rehearse resume demo',
    ]);
    expect(see(40, [{ ...row, done: 2, state: 'paused' }], [], paused)).toEqual([]);
    expect(see(60, [{ ...row, done: 2 }])).toEqual(['demo: goes on']);
  });
});
