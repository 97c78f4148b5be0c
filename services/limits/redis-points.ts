import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { MinutePoints, PointsGrant } from './minute-points';
import type { RedisLink } from './redis-link';

/** The library's own script also counts refused points; this one does not, so what is left of a minute stays for smaller calls. */
const COUNT_ONLY_WHAT_FITS = `
local used = tonumber(redis.call('GET', KEYS[1]) or 0)
if used + tonumber(ARGV[1]) > tonumber(ARGV[3]) then return { used + tonumber(ARGV[1]), redis.call('PTTL', KEYS[1]) } end
redis.call('SET', KEYS[1], 0, 'EX', ARGV[2], 'NX')
return { redis.call('INCRBY', KEYS[1], ARGV[1]), redis.call('PTTL', KEYS[1]) }
`;

const KEY = 'minute';
/** A block is a second's points. */
const BLOCKS_IN_A_MINUTE = 60;
const RETRY_MS = 1_000;

/** Points of a minute that all processes share. While Redis does not answer, none are granted. */
export class RedisMinutePoints implements MinutePoints {
  private readonly limiter: RateLimiterRedis;

  constructor(
    private readonly link: RedisLink,
    keyPrefix: string,
    pointsPerMinute: number,
  ) {
    this.limiter = new RateLimiterRedis({
      storeClient: link.client,
      keyPrefix,
      points: pointsPerMinute,
      duration: 60,
      customIncrTtlLuaScript: COUNT_ONLY_WHAT_FITS,
    });
  }

  get block(): number {
    return Math.ceil(this.limiter.points / BLOCKS_IN_A_MINUTE);
  }

  configure(pointsPerMinute: number): void {
    this.limiter.points = pointsPerMinute;
  }

  async take(points: number): Promise<PointsGrant> {
    return (
      (await this.link.attempt(async () => await this.takeWhatFits(Math.min(points, this.limiter.points)))) ?? {
        granted: 0,
        endsInMs: RETRY_MS,
      }
    );
  }

  private async takeWhatFits(points: number): Promise<PointsGrant> {
    for (let wanted = points; ;) {
      try {
        const { msBeforeNext } = await this.limiter.consume(KEY, wanted);
        return { granted: wanted, endsInMs: msBeforeNext };
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        const left = this.limiter.points - (refusal.consumedPoints - wanted);
        // Another process may take them first; then fewer are left, so this ends.
        if (left <= 0) return { granted: 0, endsInMs: refusal.msBeforeNext };
        wanted = left;
      }
    }
  }
}
