import { RateLimiterMemory } from 'rate-limiter-flexible';

/** What was taken of a minute's points. */
export interface PointsGrant {
  /** As many as were left, at most as many as were asked for. */
  readonly granted: number;
  /** The minute, and with it what was granted and not used, ends after this long. */
  readonly endsInMs: number;
}

/** Points of a minute, of one process or shared by all. */
export interface MinutePoints {
  /** Points to ask for at a time, beyond what is needed at once: a block spares round trips. */
  readonly block: number;
  take(points: number): Promise<PointsGrant>;
  configure(pointsPerMinute: number): void;
}

const KEY = 'endpoint';

/** Points of this process alone. */
export class MemoryMinutePoints implements MinutePoints {
  readonly block = 0;
  private readonly memory: RateLimiterMemory;

  constructor(pointsPerMinute: number) {
    this.memory = new RateLimiterMemory({ points: pointsPerMinute, duration: 60 });
  }

  configure(pointsPerMinute: number): void {
    this.memory.points = pointsPerMinute;
  }

  async take(points: number): Promise<PointsGrant> {
    const state = await this.memory.get(KEY);
    // A refused consume would count all the same, so only what is there is asked for.
    const granted = Math.min(points, state === null ? this.memory.points : Math.max(0, this.memory.points - state.consumedPoints));
    if (granted === 0) return { granted, endsInMs: state?.msBeforeNext ?? 0 };
    return { granted, endsInMs: (await this.memory.consume(KEY, granted)).msBeforeNext };
  }
}
