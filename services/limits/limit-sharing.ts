import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { EndpointLimits, LimiterOptions } from './limiter';
import type { RedisLink } from './redis-link';
import { RedisMinutePoints } from './redis-points';
import { RedisShare, type RedisShareOptions } from './redis-share';

/** How the llm worker processes together keep within an endpoint's limits. */
export interface LimitSharing {
  /** One sentence for logs and `doctor`, without secrets. */
  readonly description: string;
  /** This process's part of configured limits. */
  limits(configured: EndpointLimits): EndpointLimits;
  /** What connects a limiter to the other processes. */
  ties(endpoint: string): Pick<LimiterOptions, 'openPoints' | 'joinShare'>;
  /** @throws Error when the shared state cannot be reached */
  check(): Promise<void>;
  close(): void;
}

/** REHEARSE_LLM_WORKERS is not a number of processes. */
export class LimitSharingError extends Error {
  override readonly name = 'LimitSharingError';
}

/**
 * From the worker's environment: through REHEARSE_REDIS_URL, else each of REHEARSE_LLM_WORKERS processes (1) has its part.
 * @throws LimitSharingError, RedisUrlError
 */
export function limitSharing(env: Readonly<Record<string, string | undefined>>, log: Pick<Logger, 'info' | 'warn'>): LimitSharing {
  const url = env['REHEARSE_REDIS_URL'];
  if (url !== undefined && url !== '') {
    // The Redis client takes a third of a second to load, so it is loaded only where it is used.
    const { RedisLink: Link } = require('./redis-link') as typeof import('./redis-link');
    return redisSharing(new Link(url, log));
  }
  const workers = env['REHEARSE_LLM_WORKERS'] || '1';
  if (!/^[1-9]\d{0,3}$/.test(workers)) {
    throw new LimitSharingError(
      `REHEARSE_LLM_WORKERS is "${workers}", expected the number of llm worker processes, such as 4; or set REHEARSE_REDIS_URL, and they agree by themselves`,
    );
  }
  return partSharing(Number(workers));
}

/** Each process takes an even part, without communication. */
export function partSharing(workers: number): LimitSharing {
  const part = (limit: number | undefined): number | undefined =>
    limit === undefined ? undefined : Math.max(1, Math.floor(limit / workers));
  return {
    description:
      workers === 1
        ? "this process takes the whole of each model's limits; set REHEARSE_REDIS_URL or REHEARSE_LLM_WORKERS where several serve the llm queue"
        : `this process takes 1/${workers} of each model's limits (REHEARSE_LLM_WORKERS)`,
    limits: (configured) => ({
      ...configured,
      concurrency: part(configured.concurrency)!,
      requestsPerMinute: part(configured.requestsPerMinute),
      tokensPerMinute: part(configured.tokensPerMinute),
    }),
    ties: () => ({}),
    check: () => Promise.resolve(),
    close: () => undefined,
  };
}

/** All processes with the same Redis share one budget. */
export function redisSharing(link: RedisLink, timing: Pick<RedisShareOptions, 'everyMs' | 'leaseMs'> = {}): LimitSharing {
  return {
    description: `all llm workers share each model's limits through Redis at ${link.address}`,
    limits: (configured) => configured,
    ties(endpoint) {
      // Braces keep the keys of an endpoint together in a Redis cluster.
      const key = `rehearse:{${createHash('sha256').update(endpoint).digest('hex').slice(0, 16)}}`;
      return {
        openPoints: (what, points) => new RedisMinutePoints(link, `${key}:${what}`, points),
        joinShare: (member) => new RedisShare({ link, key: `${key}:share`, member, ...timing }),
      };
    },
    check: async () => await link.ping(),
    close: () => link.close(),
  };
}
