import type { StageProgress } from '../workflows/types';
import { keyOf } from './run-progress-merge';

/** How fast a row moves. */
export interface Pace {
  readonly perSecond: number;
  readonly leftMs: number;
}

interface Sample {
  readonly atMs: number;
  readonly done: number;
}

const WINDOW_MS = 60_000;
/** Slow rows, such as training steps, are measured over this many samples, however long ago. */
const MIN_SAMPLES = 3;

/** Rates over the last minute (or the last few changes), from snapshots of the rows. */
export class PaceMeter {
  private readonly samples = new Map<string, Sample[]>();

  /** @param atMs time of the snapshot; never earlier than the last */
  add(atMs: number, rows: readonly StageProgress[]): void {
    for (const row of rows) {
      const known = this.samples.get(keyOf(row)) ?? [];
      const last = known.at(-1);
      // Time spent waiting does not count; and a row that went back was begun anew.
      if (row.state !== 'running' || (last !== undefined && row.done < last.done)) known.length = 0;
      if (known.at(-1)?.done !== row.done) known.push({ atMs, done: row.done });
      while (known.length > MIN_SAMPLES && (known[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) known.shift();
      this.samples.set(keyOf(row), known);
    }
  }

  /** Pace of a running row; undefined until it was seen to move. */
  of(row: StageProgress, nowMs: number): Pace | undefined {
    const known = this.samples.get(keyOf(row));
    const first = known?.[0];
    const last = known?.at(-1);
    if (row.state !== 'running' || first === undefined || last === undefined || last.done <= first.done || nowMs <= first.atMs) return undefined;
    // Up to now, not up to the last change: a row that stalls becomes slower.
    const perSecond = ((last.done - first.done) / (nowMs - first.atMs)) * 1000;
    return { perSecond, leftMs: (Math.max(0, row.total - row.done) / perSecond) * 1000 };
  }
}
