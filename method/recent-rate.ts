interface Mark {
  readonly atMs: number;
  readonly done: number;
}

export interface RecentRateOptions {
  /** How far back is looked. */
  readonly windowMs: number;
  /** Slow work, such as training steps, is measured over this many changes, however long ago. */
  readonly leastMarks?: number;
}

/** How fast a count has grown lately, from what it was at several times. */
export class RecentRate {
  private readonly marks: Mark[] = [];
  private readonly windowMs: number;
  private readonly leastMarks: number;

  constructor({ windowMs, leastMarks = 3 }: RecentRateOptions) {
    this.windowMs = windowMs;
    this.leastMarks = leastMarks;
  }

  /** @param atMs never earlier than the last */
  add(atMs: number, done: number): void {
    const last = this.marks.at(-1);
    if (last !== undefined && done < last.done) this.restart(); // a count that went back was begun again
    if (this.marks.at(-1)?.done !== done) this.marks.push({ atMs, done });
    while (this.marks.length > this.leastMarks && (this.marks[1]?.atMs ?? atMs) <= atMs - this.windowMs) this.marks.shift();
  }

  /** Forgets what was, so that a pause does not count as slowness. */
  restart(): void {
    this.marks.length = 0;
  }

  /** Undefined until the count was seen to grow. Up to now, not up to the last change: what stalls becomes slower. */
  perSecond(nowMs: number): number | undefined {
    const first = this.marks[0];
    const last = this.marks.at(-1);
    if (first === undefined || last === undefined || last.done <= first.done || nowMs <= first.atMs) return undefined;
    return ((last.done - first.done) / (nowMs - first.atMs)) * 1000;
  }
}
