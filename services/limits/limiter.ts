import { sleep } from '../timing/sleep';
import { LatencyPolicy } from './latency-policy';
import { afterOverload, afterSuccess, type ConcurrencyState } from './limiter-policy';
import { replyKind } from './load-window';
import { MinuteBudget } from './minute-budget';
import { MemoryMinutePoints, type MinutePoints } from './minute-points';
import type { JoinShare, ShareGrant, SharedSlots, ShareReport } from './shared-slots';

export interface EndpointLimits {
  /** Most requests in flight. */
  readonly concurrency: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Whether rising latency lowers the requests in flight; 429 always does. Default: true. */
  readonly adaptive?: boolean;
}

export interface LimiterOptions extends EndpointLimits {
  /** Opens the points of a budget; without it, this process has the whole budget. */
  readonly openPoints?: (what: 'requests' | 'tokens', pointsPerMinute: number) => MinutePoints;
  /** Shares the requests in flight with other processes. */
  readonly joinShare?: JoinShare;
  readonly now?: () => number;
}

interface Waiter {
  readonly rank: number;
  readonly start: () => void;
}

/** What a limiter does at a moment. */
export interface LimiterLoad {
  readonly inFlight: number;
  /** Calls that wait for a permit: one a batch. */
  readonly waiting: number;
  /** Requests that may be in flight now. */
  readonly concurrency: number;
  readonly closedForMs: number;
}

/** The right to one call; exactly one of its two methods is to be called, once. */
export interface CallPermit {
  /** The endpoint answered. Replies of unknown length say nothing about its load. */
  succeeded(completionTokens?: number): void;
  /** The call failed; `overloaded`: the endpoint asked for less load, `waitMs`: how long it asked to wait. */
  failed(options: { readonly overloaded: boolean; readonly waitMs?: number }): void;
}

/**
 * The limiter of a model endpoint within a process: concurrency, requests and tokens per minute, adapting to 429, to overload,
 * and to latency. All batches that call the endpoint share it, so the next batch fills the tail of the one before.
 */
export class EndpointLimiter {
  private inFlight = 0;
  private readonly queue: Waiter[] = [];
  private limits: EndpointLimits;
  private state: ConcurrencyState;
  private readonly latency: LatencyPolicy;
  private wasCut = false;
  private cuts = 0;
  private closedUntilMs = 0;
  private reopening: NodeJS.Timeout | undefined;
  private readonly requests: MinuteBudget;
  private readonly tokens: MinuteBudget;
  private readonly share: SharedSlots | undefined;
  private readonly now: () => number;

  constructor({
    openPoints = (_, points) => new MemoryMinutePoints(points),
    joinShare,
    now = () => performance.now(),
    ...limits
  }: LimiterOptions) {
    this.now = now;
    this.limits = limits;
    this.state = { limit: limits.concurrency, lastCutMs: Number.NEGATIVE_INFINITY };
    this.requests = new MinuteBudget({ openPoints: (points) => openPoints('requests', points), now });
    this.tokens = new MinuteBudget({ openPoints: (points) => openPoints('tokens', points), now });
    this.share = joinShare?.({ report: () => this.report(), apply: (grant) => this.apply(grant) });
    this.latency = new LatencyPolicy({ max: limits.concurrency, settleMs: this.share?.settleMs });
    this.configure(limits);
  }

  /** Requests allowed in flight at this moment. */
  get currentConcurrency(): number {
    return Math.min(this.adaptedConcurrency, this.share?.slots ?? Number.POSITIVE_INFINITY);
  }

  /** What it does at this moment. */
  get load(): LimiterLoad {
    const { inFlight, closedForMs } = this;
    return { inFlight, waiting: this.queue.length, concurrency: this.currentConcurrency, closedForMs };
  }

  /** How long the endpoint has asked to wait; 0 or less when it has not. */
  get closedForMs(): number {
    return this.closedUntilMs - this.now();
  }

  /** Applies new limits at once, also to calls that wait. Calls in flight end as they would. */
  configure(limits: EndpointLimits): void {
    const { concurrency } = this.limits;
    this.setLimits(limits);
    this.requests.configure(limits.requestsPerMinute);
    this.tokens.configure(limits.tokensPerMinute);
    if (limits.concurrency !== concurrency) this.share?.ask();
    this.admit();
  }

  /** Gives this process's part back; for processes that end, and tests. */
  async close(): Promise<void> {
    await this.share?.leave();
  }

  /**
   * Waits for a permit.
   * @param tokens prompt tokens plus the most that the reply may hold, for the token budget
   * @param rank of the calls that wait, the lowest goes first; of equals, the one that came first
   * @throws the signal's reason, when it is aborted while waiting
   */
  async acquire(tokens: number, signal: AbortSignal, rank = 0): Promise<CallPermit> {
    signal.throwIfAborted();
    if (this.queue.length === 0 && this.isOpen()) this.inFlight++;
    else await this.waitForPermit(signal, rank);
    try {
      if (!this.requests.trySpend(1)) await this.requests.take(1, signal);
      if (!this.tokens.trySpend(tokens)) await this.tokens.take(tokens, signal);
      // The endpoint may have asked to wait while this call waited for its budget.
      for (let ms = this.closedForMs; ms > 0; ms = this.closedForMs) await sleep(ms, signal);
    } catch (error) {
      this.leave();
      throw error;
    }
    const startMs = this.now();
    return {
      succeeded: (completionTokens) => {
        this.state = afterSuccess(this.state, this.limits.concurrency);
        if (completionTokens !== undefined) this.observe(startMs, replyKind(completionTokens, tokens));
        this.leave();
      },
      failed: ({ overloaded, waitMs }) => {
        if (overloaded && this.cut(startMs)) this.cuts++;
        if (waitMs !== undefined) this.closeFor(waitMs);
        if (overloaded || waitMs !== undefined) this.share?.ask();
        this.leave();
      },
    };
  }

  private setLimits(limits: EndpointLimits): void {
    // A limit that was not cut follows the new one; one that a 429 has cut rises again by itself.
    const limit = this.state.limit >= this.limits.concurrency ? limits.concurrency : Math.min(this.state.limit, limits.concurrency);
    this.state = { ...this.state, limit };
    this.limits = limits;
    this.latency.configure(limits.concurrency, this.now());
  }

  private get adaptedConcurrency(): number {
    const { limit } = this.state;
    return Math.max(1, Math.floor(this.limits.adaptive === false ? limit : Math.min(limit, this.latency.current)));
  }

  /** @returns false when the request belongs to a burst that was cut for before */
  private cut(startMs: number): boolean {
    const { lastCutMs } = this.state;
    this.state = afterOverload(
      { ...this.state, limit: Math.min(this.state.limit, Math.max(1, this.currentConcurrency)) },
      startMs,
      this.now(),
    );
    return this.state.lastCutMs !== lastCutMs;
  }

  /** Latency means something only while nothing else, such as a cut for a 429, holds the requests back. */
  private observe(startMs: number, kind: number): void {
    if (this.limits.adaptive === false || this.share?.isLeader === false) return;
    const endMs = this.now();
    const isCut = Math.floor(this.state.limit) < Math.min(Math.floor(this.latency.current), this.share?.slots ?? Number.POSITIVE_INFINITY);
    if (isCut || this.wasCut) this.latency.restart(endMs);
    this.wasCut = isCut;
    if (isCut) return;
    // The policy is about the whole endpoint, of which this process may have a part.
    const scale = this.share === undefined ? 1 : this.latency.current / Math.max(1, this.share.slots);
    this.latency.observe({ kind, startMs, endMs, inFlight: this.inFlight * scale });
  }

  /** A batch lets one item at a time wait here, however many it has: if any waits, all permits would be used. */
  private get demand(): number {
    return this.queue.length > 0 ? this.limits.concurrency : Math.min(this.limits.concurrency, this.inFlight);
  }

  private report(): ShareReport {
    const { concurrency, adaptive } = this.limits;
    return {
      concurrency,
      ceiling: adaptive === false ? concurrency : Math.min(concurrency, this.latency.current),
      inFlight: this.inFlight,
      demand: this.demand,
      closedForMs: Math.max(0, this.closedForMs),
      cuts: this.cuts,
    };
  }

  /** Applies what the processes have agreed on. */
  private apply({ concurrency, isLeader, ceiling, closedForMs, wasCutByOthers, burstMs }: ShareGrant): void {
    const nowMs = this.now();
    if (concurrency !== undefined && concurrency !== this.limits.concurrency) this.setLimits({ ...this.limits, concurrency });
    if (wasCutByOthers) this.cut(nowMs - burstMs);
    if (!isLeader && ceiling !== this.latency.current) this.latency.adopt(ceiling, nowMs);
    if (closedForMs > 0) this.closeFor(closedForMs);
    this.admit();
  }

  private async waitForPermit(signal: AbortSignal, rank: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        rank,
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
      this.queue.splice(this.queue.findLastIndex((other) => other.rank <= rank) + 1, 0, waiter);
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
    if (this.queue.length === 0) return;
    this.share?.want(this.demand);
    const { closedForMs } = this;
    if (closedForMs > 0 && this.reopening === undefined) {
      this.reopening = setTimeout(() => {
        this.reopening = undefined;
        this.admit();
      }, closedForMs + 1);
    }
  }

  private isOpen(): boolean {
    return this.inFlight < this.currentConcurrency && this.closedForMs <= 0;
  }

  /** With no call waiting, a timer would only keep the process alive. */
  private stopTimer(): void {
    clearTimeout(this.reopening);
    this.reopening = undefined;
  }

  private closeFor(waitMs: number): void {
    this.closedUntilMs = Math.max(this.closedUntilMs, this.now() + waitMs);
  }
}
