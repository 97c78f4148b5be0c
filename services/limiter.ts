import pLimit from 'p-limit';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { afterOverload, afterSuccess, type ConcurrencyState } from './limiter-policy';

export interface LimiterOptions {
  /** Most requests in flight. */
  readonly concurrency: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly now?: () => number;
}

interface Waiter {
  readonly start: () => void;
}

/** A granted place; exactly one of its two ends is to be called. */
export interface Slot {
  /** The endpoint answered. */
  succeeded(): void;
  /** The call failed; `overloaded` says that the endpoint asked for less, `waitMs` for how long to leave it alone. */
  failed(options: { readonly overloaded: boolean; readonly waitMs?: number }): void;
}

/**
 * The one gate to a model endpoint within a process: concurrency, requests and tokens a minute, adapting to 429 and
 * overload. All batches that call the endpoint share it, so the tail of one is filled by the next.
 */
export class EndpointLimiter {
  private inFlight = 0;
  private readonly queue: Waiter[] = [];
  private state: ConcurrencyState;
  private closedUntilMs = 0;
  private reopening: NodeJS.Timeout | undefined;
  private readonly requests: MinuteBudget | undefined;
  private readonly tokens: MinuteBudget | undefined;
  private readonly now: () => number;

  constructor(private readonly options: LimiterOptions) {
    this.now = options.now ?? Date.now;
    this.state = { limit: options.concurrency, lastCutMs: -1 };
    const { requestsPerMinute, tokensPerMinute } = options;
    if (requestsPerMinute !== undefined) this.requests = new MinuteBudget(requestsPerMinute);
    if (tokensPerMinute !== undefined) this.tokens = new MinuteBudget(tokensPerMinute);
  }

  /** Requests allowed in flight at this moment. */
  get currentConcurrency(): number {
    return Math.max(1, Math.floor(this.state.limit));
  }

  /**
   * Waits for a place.
   * @param tokens prompt tokens plus the most that the reply may hold, for the token budget
   * @throws the signal's reason, when it is aborted while waiting
   */
  async acquire(tokens: number, signal: AbortSignal): Promise<Slot> {
    await this.waitForPlace(signal);
    try {
      await this.requests?.take(1, signal);
      await this.tokens?.take(tokens, signal);
      // The endpoint may have asked for quiet while this call waited for its budget.
      for (let ms = this.closedForMs(); ms > 0; ms = this.closedForMs()) await sleep(ms, signal);
    } catch (error) {
      this.leave();
      throw error;
    }
    const startMs = this.now();
    return {
      succeeded: () => {
        this.state = afterSuccess(this.state, this.options.concurrency);
        this.leave();
      },
      failed: ({ overloaded, waitMs }) => {
        if (overloaded) this.state = afterOverload(this.state, startMs, this.now());
        if (waitMs !== undefined) this.closeFor(waitMs);
        this.leave();
      },
    };
  }

  private async waitForPlace(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.queue.length === 0 && this.isOpen()) {
      this.inFlight++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        start: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.queue.splice(this.queue.indexOf(waiter), 1);
        if (this.queue.length === 0) this.stopTimer();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.queue.push(waiter);
      this.admit();
    });
  }

  private leave(): void {
    this.inFlight--;
    this.admit();
  }

  private admit(): void {
    while (this.queue.length > 0 && this.isOpen()) {
      this.inFlight++;
      this.queue.shift()?.start();
    }
    const closedForMs = this.closedForMs();
    if (this.queue.length > 0 && closedForMs > 0 && this.reopening === undefined) {
      this.reopening = setTimeout(() => {
        this.reopening = undefined;
        this.admit();
      }, closedForMs + 1);
    }
  }

  private isOpen(): boolean {
    return this.inFlight < this.currentConcurrency && this.closedForMs() <= 0;
  }

  private closedForMs(): number {
    return this.closedUntilMs - this.now();
  }

  /** With nobody waiting, a timer would only keep the process alive. */
  private stopTimer(): void {
    clearTimeout(this.reopening);
    this.reopening = undefined;
  }

  private closeFor(waitMs: number): void {
    this.closedUntilMs = Math.max(this.closedUntilMs, this.now() + waitMs);
  }
}

/** Points to spend in each minute. */
class MinuteBudget {
  private readonly memory: RateLimiterMemory;
  private readonly oneAtATime = pLimit(1);

  constructor(private readonly points: number) {
    this.memory = new RateLimiterMemory({ points, duration: 60 });
  }

  /** Takes points, waiting out the minute as often as needed; more than the whole budget counts as the whole. */
  async take(wanted: number, signal: AbortSignal): Promise<void> {
    const points = Math.min(wanted, this.points);
    for (;;) {
      const waitMs = await this.oneAtATime(() => this.tryTake(points));
      if (waitMs === 0) return;
      await sleep(waitMs, signal);
    }
  }

  /** Takes points if there are enough; else says how long the minute lasts. */
  private async tryTake(points: number): Promise<number> {
    try {
      await this.memory.consume('endpoint', points);
      return 0;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      // A refused consume counts all the same. Its points go back before anybody else asks, or others would be refused for it.
      await this.memory.reward('endpoint', points);
      return refusal.msBeforeNext + 1;
    }
  }
}

/** Waits, or throws the signal's reason when it is aborted first. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
