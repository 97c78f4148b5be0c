import { Sleepers } from '../timing/sleep';
import type { MinutePoints } from './minute-points';

interface Waiter {
  readonly points: number;
  readonly grant: () => void;
}

export interface MinuteBudgetOptions {
  /** Opens the points when a limit is first set. */
  readonly openPoints: (pointsPerMinute: number) => MinutePoints;
  readonly now: () => number;
}

/** Points to spend per minute, such as requests or tokens; without a limit, calls never wait. */
export class MinuteBudget {
  private limit: number | undefined;
  private points: MinutePoints | undefined;
  /** Points taken and not spent yet; they expire with their minute. */
  private stock = 0;
  private stockEndsMs = 0;
  private readonly queue: Waiter[] = [];
  private isPumping = false;
  /** The first in the queue waits for the next minute; what is left of this one goes to any call that it is enough for. */
  private isShort = false;
  private readonly sleepers = new Sleepers();

  constructor(private readonly options: MinuteBudgetOptions) {}

  /** Sets or removes the limit; calls that wait go on as soon as the new one allows. */
  configure(pointsPerMinute: number | undefined): void {
    if (pointsPerMinute === this.limit) return;
    this.limit = pointsPerMinute;
    if (pointsPerMinute === undefined) {
      // When there is a limit again, a new count begins; the time in between was unlimited anyway.
      this.points = undefined;
    } else if (this.points === undefined) {
      this.points = this.options.openPoints(pointsPerMinute);
    } else {
      this.points.configure(pointsPerMinute);
    }
    this.sleepers.wake();
  }

  /** Spends points if that is possible without waiting; returns whether it did. */
  trySpend(wanted: number): boolean {
    return this.limit === undefined || ((this.queue.length === 0 || this.isShort) && this.spend(Math.min(wanted, this.limit)));
  }

  /**
   * Spends points, waiting for the next minute as often as needed. More than the whole budget counts as the whole.
   * @throws the signal's reason, when it is aborted while waiting
   */
  async take(wanted: number, signal: AbortSignal): Promise<void> {
    if (this.trySpend(wanted)) return;
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        points: wanted,
        grant: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.queue.splice(this.queue.indexOf(waiter), 1);
        if (this.queue.length === 0) this.sleepers.wake();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.queue.push(waiter);
      if (!this.isPumping) void this.pump();
    });
  }

  /** Serves the queue to its end. Never rejects: `MinutePoints` handles its own faults. */
  private async pump(): Promise<void> {
    this.isPumping = true;
    while (this.queue.length > 0) {
      const [head] = this.queue;
      if (this.limit === undefined || this.points === undefined || head === undefined) {
        for (const waiter of this.queue.splice(0)) waiter.grant();
        break;
      }
      const wanted = Math.min(head.points, this.limit);
      if (this.spend(wanted)) {
        this.queue.shift();
        head.grant();
        continue;
      }
      const askedMs = this.options.now();
      const { granted, endsInMs } = await this.points.take(Math.max(wanted - this.stockAt(askedMs), this.points.block));
      this.stock = this.stockAt(this.options.now()) + granted;
      // Counted from the request: the minute must not seem to last longer than it does.
      this.stockEndsMs = askedMs + endsInMs;
      if (this.stock >= wanted) continue;
      this.serveSmaller();
      if (this.queue.length === 0) break;
      this.isShort = true;
      await this.sleepers.sleep(Math.max(1, this.stockEndsMs - this.options.now() + 1));
      this.isShort = false;
    }
    this.isPumping = false;
  }

  /** What is left of a minute, and too little for the first in the queue, may be enough for another. */
  private serveSmaller(): void {
    for (let index = 0; index < this.queue.length && this.stock > 0; index++) {
      const waiter = this.queue[index]!;
      if (!this.spend(waiter.points)) continue;
      this.queue.splice(index--, 1);
      waiter.grant();
    }
  }

  private spend(points: number): boolean {
    if (this.stockAt(this.options.now()) < points) return false;
    this.stock -= points;
    return true;
  }

  private stockAt(nowMs: number): number {
    if (nowMs >= this.stockEndsMs) this.stock = 0;
    return this.stock;
  }
}
