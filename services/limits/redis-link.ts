import Redis from 'ioredis';
import type { Logger } from 'pino';
import { redisAddress } from './redis-url';

const CONNECT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 2_000;
const LONGEST_RETRY_MS = 2_000;

/** A connection to the Redis that the llm workers share. It logs once when it is lost, and once when it is back. */
export class RedisLink {
  readonly client: Redis;
  /** Host and port, without user and password. */
  readonly address: string;
  private isAway = false;
  /** Why the connection fails; the error of a command that waited for it does not say. */
  private connectionError: Error | undefined;

  /** @throws RedisUrlError */
  constructor(
    url: string,
    private readonly log: Pick<Logger, 'info' | 'warn'>,
  ) {
    this.address = redisAddress(url);
    this.client = new Redis(url, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      // A command waits for a connection that is being made, and fails with it: sent later, it would be out of date.
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      retryStrategy: (tries) => Math.min(100 * tries, LONGEST_RETRY_MS),
    });
    // Without a listener, ioredis prints each failed attempt.
    this.client.on('error', (error) => (this.connectionError = error));
    this.client.on('ready', () => (this.connectionError = undefined));
  }

  /** Runs a command; undefined when Redis cannot be reached or refuses. */
  async attempt<T>(command: (client: Redis) => Promise<T>): Promise<T | undefined> {
    try {
      const result = await command(this.client);
      if (this.isAway) this.log.info({ redis: this.address }, 'Redis answers again: the limits are shared as before');
      this.isAway = false;
      return result;
    } catch (error) {
      if (!this.isAway) {
        this.log.warn(
          { redis: this.address, reason: this.reasonOf(error) },
          'Redis does not answer: calls continue for some seconds with what was granted, then wait until it is back',
        );
      }
      this.isAway = true;
      return undefined;
    }
  }

  /** @throws Error with the reason when it does not answer */
  async ping(): Promise<void> {
    try {
      await this.client.ping();
    } catch (cause) {
      throw new Error(`Redis at ${this.address} does not answer (${this.reasonOf(cause)})`, { cause });
    }
  }

  private reasonOf(error: unknown): string {
    return (this.connectionError ?? (error as Error)).message;
  }

  close(): void {
    this.client.disconnect();
  }
}
