import { type HeartbeatDetails, type StageProgress, EVALUATION_REQUESTS, rowKey } from '../../contract/progress';
import { type RowCounts, withCounts } from '../../method/cost';

/** What the open workflows of a run say about themselves. */
export interface ProgressSources {
  /** Rows of the root: the whole run, as far as its descendants have reported. */
  readonly root: readonly StageProgress[];
  /** Rows of synthesis and of the variants: fresher than the root's of the same stage and model. */
  readonly parts: readonly (readonly StageProgress[])[];
  /** Open shards: their finished batches are in `rows`, their running ones in `heartbeats`. */
  readonly shards: readonly { readonly rows: readonly StageProgress[]; readonly heartbeats: readonly HeartbeatDetails[] }[];
  /** Heartbeats of the variants' running activities. */
  readonly heartbeats: readonly HeartbeatDetails[];
}

/** One row a stage and model, in the root's order: what is finished, and what is in work. */
export function mergeProgress({ root, parts, shards, heartbeats }: ProgressSources): StageProgress[] {
  const rows = new Map<string, StageProgress>();
  for (const row of [root, ...parts].flat()) rows.set(rowKey(row), row);
  const live = new Map<string, number>();
  for (const shard of shards) {
    for (const row of shard.rows) {
      if (row.done > 0 || row.state === 'running' || row.state === 'paused') add(rows, row, row);
    }
    for (const beat of shard.heartbeats) {
      const { done, perSecond } = inRowUnits(shard.rows, beat);
      add(rows, beat, { ...beat, usd: beat.cost.usd, done });
      if (perSecond !== undefined) live.set(rowKey(beat), (live.get(rowKey(beat)) ?? 0) + perSecond);
    }
  }
  // What the batches do now is fresher than what the workflow saw ending.
  for (const [key, perSecond] of live) {
    const row = rows.get(key);
    if (row?.state === 'running') rows.set(key, { ...row, perSecond });
  }
  for (const beat of heartbeats) {
    const row = rows.get(rowKey(beat));
    if (row !== undefined) rows.set(rowKey(beat), withPythonJob(row, beat));
  }
  return [...rows.values()];
}

function add(rows: Map<string, StageProgress>, row: Pick<StageProgress, 'stage' | 'model'>, counts: RowCounts): void {
  const before = rows.get(rowKey(row));
  if (before === undefined) return;
  const after = withCounts(before, counts);
  const isDone = after.done >= before.total;
  rows.set(rowKey(row), { ...after, done: isDone ? before.total : after.done, state: isDone ? 'done' : 'running' });
}

/**
 * A batch's progress in the row's unit. A batch may count other items than its row (one request that returns three
 * responses is one item), so its part of the whole counts.
 */
function inRowUnits(shardRows: readonly StageProgress[], beat: HeartbeatDetails): Pick<HeartbeatDetails, 'done' | 'perSecond'> {
  const row = shardRows.find((each) => rowKey(each) === rowKey(beat));
  if (row === undefined || beat.total <= 0) return { done: 0 };
  const batches = beat.stage === 'judge' ? Math.max(1, shardRows.filter(({ stage }) => stage === 'respond').length) : 1;
  const unit = row.total / batches / beat.total;
  return {
    done: Math.floor(Math.min(beat.done, beat.total) * unit),
    ...(beat.perSecond === undefined ? {} : { perSecond: beat.perSecond * unit }),
  };
}

/** A Python job counts what its phase does: the phase `train` counts optimizer steps, an evaluation's own phase its requests to the model. */
function withPythonJob(row: StageProgress, beat: HeartbeatDetails): StageProgress {
  const running = { ...row, state: 'running' as const };
  const { note = '', done, total, perSecond } = beat;
  const pace = perSecond === undefined ? {} : { perSecond };
  if (beat.stage === 'filter') return note === '' ? { ...running, ...pace, done: Math.min(done, row.total) } : { ...running, note };
  if (beat.stage === 'train' && note.startsWith('train')) return { ...running, ...pace, done: Math.min(done, total), total, note };
  if (beat.stage === 'evaluate' && note === EVALUATION_REQUESTS) return { ...running, ...pace, done: Math.min(done, total), total, note };
  return { ...running, note: total > 1 ? `${note} ${done}/${total}` : note };
}
