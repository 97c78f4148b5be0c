import type { HeartbeatDetails } from '../contract/progress';
import { RecentRate } from '../method/recent-rate';

const WINDOW_MS = 60_000;

/** Adds to an activity's heartbeats how fast it moves. */
export class HeartbeatPace {
  private readonly rate = new RecentRate({ windowMs: WINDOW_MS });
  private last: HeartbeatDetails | undefined;

  add(details: HeartbeatDetails | undefined, nowMs: number): HeartbeatDetails | undefined {
    if (details === undefined) return undefined;
    // What comes from the journal comes at once, and a job's next phase counts something else: neither is a pace.
    if (this.last !== undefined && (details.replayed !== this.last.replayed || details.total !== this.last.total)) this.rate.restart();
    this.last = details;
    this.rate.add(nowMs, details.done);
    const perSecond = this.rate.perSecond(nowMs);
    return perSecond === undefined ? details : { ...details, perSecond };
  }
}
