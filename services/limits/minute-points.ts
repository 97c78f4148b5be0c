import { RateLimiterMemory } from 'rate-limiter-flexible';

/** Points taken from a minute's. */
export interface PointsGrant {
  /** As many as were left, at most as many as were requested. */
  readonly granted: number;
  /** Until the minute ends, and with it the points that were granted and not used. */
  readonly endsInMs: number;
}

/** Points of a minute, of one process or shared by all. */
export interface MinutePoints {
  /** The fewest points to take at a time: a block saves round trips. */
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
    // A refused consume would also count, so only what is left is requested.
    const granted = Math.min(points, state === null ? this.memory.points : Math.max(0, this.memory.points - state.consumedPoints));
    if (granted === 0) return { granted, endsInMs: state?.msBeforeNext ?? 0 };
    return { granted, endsInMs: (await this.memory.consume(KEY, granted)).msBeforeNext };
  }
}
