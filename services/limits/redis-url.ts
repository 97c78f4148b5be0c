/** REHEARSE_REDIS_URL is not a Redis URL. The message leaves the URL out, since it may hold a password. */
export class RedisUrlError extends Error {
  override readonly name = 'RedisUrlError';
}

/**
 * Host and port, without user and password.
 * @throws RedisUrlError
 */
export function redisAddress(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new RedisUrlError(
      'REHEARSE_REDIS_URL is not the URL of a Redis; write redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS',
    );
  }
  return `${parsed.hostname}:${parsed.port || '6379'}`;
}
