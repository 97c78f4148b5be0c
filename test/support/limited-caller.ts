import { setMaxListeners } from 'node:events';
import { redisSharing } from '../../services/limits/limit-sharing';
import { EndpointLimiter } from '../../services/limits/limiter';
import { RedisLink } from '../../services/limits/redis-link';

/**
 * A process that wants more than the limit, for ever: says `+` on stdout for each call that begins and `-` for each that
 * ends, in the order in which they do. Arguments: URL of Redis, limit, report interval and lease in ms.
 */
async function main(): Promise<void> {
  const [url = '', limit = '', everyMs = '', leaseMs = ''] = process.argv.slice(2);
  const silent = { info: () => undefined, warn: () => undefined };
  const sharing = redisSharing(new RedisLink(url, silent), { everyMs: Number(everyMs), leaseMs: Number(leaseMs) });
  const limiter = new EndpointLimiter({ concurrency: Number(limit), ...sharing.ties('endpoint') });
  const never = new AbortController().signal;
  setMaxListeners(0, never);
  await Promise.all(
    Array.from({ length: Number(limit) * 2 }, async () => {
      for (;;) {
        const slot = await limiter.acquire(1, never);
        process.stdout.write('+');
        await new Promise((resolve) => setTimeout(resolve, 5));
        process.stdout.write('-');
        slot.succeeded();
      }
    }),
  );
}

void main();
