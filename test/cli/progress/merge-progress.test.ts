import { mergeProgress } from '../../../cli/progress/merge-progress';
import type { HeartbeatDetails, StageProgress } from '../../../contract/progress';
import { NO_CALLS } from '../../../method/cost';

function row(stage: StageProgress['stage'], model: string, change: Partial<StageProgress> = {}): StageProgress {
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
    state: 'waiting',
    ...change,
  };
}

function beat(stage: HeartbeatDetails['stage'], model: string, change: Partial<HeartbeatDetails> = {}): HeartbeatDetails {
  return { stage, model, part: 'i0000000-i0000009', done: 0, total: 10, ...NO_CALLS, ...change };
}

const none = { parts: [], shards: [], heartbeats: [] };

describe('mergeProgress', () => {
  it("gives the root's rows where nothing is open", () => {
    const root = [row('extract', 'm', { done: 100, state: 'done' }), row('respond', 'a')];
    expect(mergeProgress({ ...none, root })).toEqual(root);
  });

  it('prefers what synthesis says to what the root has heard of it', () => {
    const root = [row('extract', 'm', { done: 10, state: 'running' }), row('train', 'method')];
    const merged = mergeProgress({ ...none, root, parts: [[row('extract', 'm', { done: 20, failed: 1, state: 'running' })]] });
    expect(merged).toEqual([row('extract', 'm', { done: 20, failed: 1, state: 'running' }), row('train', 'method')]);
  });

  it('adds finished batches of open shards, and the counts of running ones', () => {
    const shard = (done: number): StageProgress[] => [
      row('extract', 'm', { done, total: 10, state: done === 10 ? 'done' : 'running', promptTokens: done }),
    ];
    const merged = mergeProgress({
      ...none,
      root: [row('extract', 'm', { done: 20, promptTokens: 20, completionTokens: 5, state: 'running' })],
      shards: [
        { rows: shard(10), heartbeats: [] },
        { rows: shard(0), heartbeats: [beat('extract', 'm', { done: 4, failed: 1, promptTokens: 7, completionTokens: 3 })] },
      ],
    });
    expect(merged).toEqual([row('extract', 'm', { done: 34, failed: 1, promptTokens: 37, completionTokens: 8, state: 'running' })]);
  });

  it('adds dollars and errors by kind, and takes the rates of running batches before what the workflow saw ending', () => {
    const merged = mergeProgress({
      ...none,
      root: [
        row('respond', 'a', { total: 300, done: 30, usd: 1, errors: { timeout: 1 }, perSecond: 9, state: 'running' }),
        row('respond', 'b', { done: 10, perSecond: 7, state: 'running' }),
      ],
      shards: [0, 1].map(() => ({
        rows: [row('respond', 'a', { total: 30, state: 'running' })],
        heartbeats: [
          beat('respond', 'a', { done: 1, cost: { usd: 0.5, tokens: 3 }, errors: { timeout: 1, rate_limited: 2 }, perSecond: 0.25 }),
        ],
      })),
    });
    expect(merged[0]).toMatchObject({ usd: 2, errors: { timeout: 3, rate_limited: 4 }, perSecond: 1.5 }); // a request is three responses
    expect(merged[1]).toMatchObject({ perSecond: 7 });
  });

  it('calls a row running once any batch of it has begun, though no shard has ended', () => {
    const merged = mergeProgress({
      ...none,
      root: [row('extract', 'm'), row('respond', 'a')],
      shards: [{ rows: [row('extract', 'm', { total: 10, state: 'running' }), row('respond', 'a', { total: 30 })], heartbeats: [] }],
    });
    expect(merged.map(({ state }) => state)).toEqual(['running', 'waiting']);
  });

  it('counts a request for three samples as three responses', () => {
    const merged = mergeProgress({
      ...none,
      root: [row('respond', 'a', { total: 300 })],
      shards: [
        { rows: [row('respond', 'a', { total: 30, state: 'running' })], heartbeats: [beat('respond', 'a', { done: 4, total: 10 })] },
      ],
    });
    expect(merged[0]?.done).toBe(12);
  });

  it("counts a judge's batch as its part of the shard's judgments: one a generator", () => {
    const rows = [
      row('respond', 'a', { total: 30, done: 30, state: 'done' }),
      row('respond', 'b', { total: 30, done: 30, state: 'done' }),
      row('judge', 'j', { total: 60, state: 'running' }),
    ];
    const merged = mergeProgress({
      ...none,
      root: [row('respond', 'a', { total: 300 }), row('respond', 'b', { total: 300 }), row('judge', 'j', { total: 600 })],
      shards: [{ rows, heartbeats: [beat('judge', 'j', { done: 28, total: 28 }), beat('judge', 'j', { done: 15, total: 30 })] }],
    });
    expect(merged.map(({ done }) => done)).toEqual([30, 30, 45]); // 28 of 28: two responses were lost, and need no judge
  });

  it('never shows more than the total, whatever is counted twice for a moment', () => {
    const merged = mergeProgress({
      ...none,
      root: [row('extract', 'm', { done: 100, state: 'done' })],
      shards: [
        {
          rows: [row('extract', 'm', { done: 10, total: 10, state: 'done' })],
          heartbeats: [beat('extract', 'm', { done: 20, total: 10 })],
        },
      ],
    });
    expect(merged[0]).toMatchObject({ done: 100, state: 'done' });
  });

  it('leaves heartbeats out that fit no row', () => {
    const root = [row('extract', 'm')];
    expect(
      mergeProgress({
        ...none,
        root,
        shards: [{ rows: [], heartbeats: [beat('extract', 'm', { done: 3 }), beat('respond', 'x', { done: 1 })] }],
        heartbeats: [beat('train', 'other')],
      })[0]?.done,
    ).toBe(0);
  });

  it('shows a training by its optimizer steps and its loss', () => {
    const merged = mergeProgress({
      ...none,
      root: [row('train', 'method', { total: 1, state: 'running' })],
      heartbeats: [beat('train', 'method', { done: 3, total: 5, note: 'train, loss 2.412' })],
    });
    expect(merged[0]).toMatchObject({ done: 3, total: 5, state: 'running', note: 'train, loss 2.412' });
  });

  it("does not take the steps of a model's loading for training steps", () => {
    const merged = mergeProgress({
      ...none,
      root: [row('train', 'method', { total: 5, state: 'running' })],
      heartbeats: [beat('train', 'method', { done: 1, total: 1, note: 'load model' })],
    });
    expect(merged[0]).toMatchObject({ done: 0, total: 5, note: 'load model' });
  });

  it('tells what an evaluation is at before its requests', () => {
    const merged = mergeProgress({
      ...none,
      root: [row('evaluate', 'official/gpqa', { total: 1, state: 'running' })],
      heartbeats: [beat('evaluate', 'official/gpqa', { done: 0, total: 1, note: 'load model' })],
    });
    expect(merged[0]).toMatchObject({ done: 0, total: 1, note: 'load model' });
  });

  it('counts the requests of a task', () => {
    const merged = mergeProgress({
      ...none,
      root: [row('evaluate', 'official/gpqa', { total: 1, state: 'running' }), row('evaluate', 'official/ifeval', { total: 1 })],
      heartbeats: [beat('evaluate', 'official/gpqa', { done: 12, total: 40, note: 'requests' })],
    });
    expect(merged).toEqual([
      row('evaluate', 'official/gpqa', { done: 12, total: 40, state: 'running', note: 'requests' }),
      row('evaluate', 'official/ifeval', { total: 1 }),
    ]);
  });
});
