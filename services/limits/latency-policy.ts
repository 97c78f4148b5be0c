import { LoadWindow, logMs } from './load-window';

/** A call that has been answered. */
export interface LatencySample {
  /** Calls of one kind take a similar time; see `replyKind` in load-window.ts. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  /** Calls in flight when it ended, itself among them. */
  readonly inFlight: number;
}

export interface LatencyPolicyOptions {
  /** Most requests in flight: the configured limit. */
  readonly max: number;
  /** How long a new limit takes to hold everywhere. */
  readonly settleMs?: number;
}

/** A trial lowers the limit by this factor, or raises it by its inverse; where most of the latency must be queueing, it lowers it further. */
const STEP = 0.7;
const LARGE_STEP = 0.5;
const LONG_QUEUE = Math.log(4);
/** Fewer slots are better when they keep this much of the throughput. */
const KEEP = 0.93;
/** Confidence needed for a verdict: distance between "scales" and "queues" in standard errors. */
const SURE = 3.5;
/** Latency may change by more than the trial explains; beyond this, as a logarithm, something else has changed it. */
const STRAY = 0.15;
const STRAY_DOWN = 0.4;
/** A window is valid when at least this part of the limit was used. */
const USED = 0.85;
const MIN_WINDOW = 96;
const MAX_WINDOW = 512;
const MAX_TRIAL = 1_000;
/** Latency never lowers the limit below this: so short a queue does no harm, and with so few slots each one counts. */
const FEW = 8;
/** Where replies come faster than this, a queue does no harm. */
const SLOW_MS = 1_000;
/** Latency this far above the fastest, or above the last calm window, starts a trial at once. */
const SUSPICIOUS = Math.log(1.5);
const RISEN = Math.log(1.25);
/** Windows between trials without such a cause; doubled after each that changed nothing. */
const FIRST_WAIT = 16;
const LAST_WAIT = 128;
const QUIET_MS = 30_000;

interface Trial {
  readonly direction: 'down' | 'up';
  readonly limit: number;
  readonly reference: LoadWindow;
  /** What was measured with fewer slots, while the return to more is measured too. */
  readonly fewer?: { readonly limit: number; readonly window: LoadWindow };
}

/**
 * Finds how many requests in flight a server can use, from latency alone: vLLM and similar servers send no 429, they queue.
 *
 * By Little's law throughput is requests in flight over latency. So the limit is lowered for a while: where latency falls as
 * much as the limit, throughput is unchanged, the difference had only been queueing, and the lower limit is kept. Where latency
 * stays, the server had been using the slots, and gets them back. The return is measured too, so that a server that happened to
 * become faster is not taken for one that queues. This needs no idle baseline, unlike Vegas or Envoy's gradient, which take
 * continuous batching (each reply slows a little, but far more are answered) for a queue.
 *
 * No clock and no I/O: the same samples always lead to the same limit.
 */
export class LatencyPolicy {
  private max: number;
  private limit: number;
  private readonly settleMs: number;
  private trial: Trial | undefined;
  private window = new LoadWindow();
  /** Only calls that began from here on count: they met the present limit. Undefined while the surplus drains. */
  private sinceMs: number | undefined = Number.NEGATIVE_INFINITY;
  /** So many calls are skipped before any counts: their latencies still reflect the change of the limit. */
  private skip: number;
  private readonly fastest = new Map<number, number>();
  private calm: LoadWindow | undefined;
  private windows = 0;
  private wait = FIRST_WAIT;
  private lastTrialMs: number | undefined;
  private next: Trial['direction'] = 'down';
  /** Fraction of the best throughput that the cuts so far have kept. */
  private kept = 1;

  constructor({ max, settleMs = 0 }: LatencyPolicyOptions) {
    this.max = max;
    this.limit = max;
    this.skip = max;
    this.settleMs = settleMs;
  }

  /** Requests allowed in flight at this moment. */
  get current(): number {
    return this.trial?.limit ?? this.limit;
  }

  /** Sets the configured limit. A lower limit that was found to be enough stays. */
  configure(max: number, nowMs: number): void {
    if (max === this.max) return;
    this.limit = this.limit === this.max ? max : Math.min(this.limit, max);
    this.max = max;
    this.restart(nowMs);
  }

  /** Adopts the limit that another process has found. */
  adopt(limit: number, nowMs: number): void {
    this.limit = Math.max(1, Math.min(this.max, limit));
    this.restart(nowMs);
  }

  /** Drops the current trial: something else, such as a 429, has changed the load. */
  restart(nowMs: number): void {
    this.trial = undefined;
    this.calm = undefined;
    this.count(nowMs);
  }

  observe({ kind, startMs, endMs, inFlight }: LatencySample): void {
    const ms = endMs - startMs;
    if (logMs(ms) < (this.fastest.get(kind) ?? Number.POSITIVE_INFINITY)) this.fastest.set(kind, logMs(ms));
    if (this.sinceMs === undefined) {
      if (inFlight - 1 <= this.current) this.count(endMs);
      return;
    }
    if (startMs < this.sinceMs) return;
    if (this.skip > 0) {
      this.skip--;
      return;
    }
    this.window.add(kind, ms, inFlight);
    if (this.trial === undefined) this.watch(endMs);
    else this.judge(this.trial, endMs);
  }

  private watch(nowMs: number): void {
    const finished = this.window;
    if (finished.count < windowSize(this.limit)) return;
    this.window = new LoadWindow();
    this.windows++;
    this.lastTrialMs ??= nowMs;
    if (finished.meanMs < SLOW_MS) return;
    const risen = this.hasRisen(finished);
    if (!risen && (this.windows < this.wait || nowMs - this.lastTrialMs < QUIET_MS)) return;
    this.begin(risen ? 'down' : this.next, finished, nowMs);
  }

  private hasRisen(window: LoadWindow): boolean {
    if (this.calm === undefined) return window.above(this.fastest) > SUSPICIOUS;
    const { change, error } = this.calm.changeTo(window);
    return change > RISEN + 3 * error;
  }

  private begin(direction: Trial['direction'], reference: LoadWindow, nowMs: number): void {
    const used = Math.min(this.limit, reference.inFlight);
    const isUp = direction === 'up' && this.limit < this.max && used >= USED * this.limit;
    const step = reference.above(this.fastest) > LONG_QUEUE ? LARGE_STEP : STEP;
    const limit = isUp
      ? Math.min(this.max, Math.max(this.limit + 1, Math.ceil(this.limit / STEP)))
      : Math.max(FEW, Math.floor(used * step));
    this.trial = isUp || limit < Math.floor(used) ? { direction: isUp ? 'up' : 'down', limit, reference } : undefined;
    if (this.trial === undefined) return this.giveUp(reference, nowMs);
    this.drain();
  }

  private judge(trial: Trial, nowMs: number): void {
    const { window } = this;
    const { direction, reference, fewer } = trial;
    if (window.count < windowSize(trial.limit)) return;
    if (window.inFlight < USED * trial.limit && fewer === undefined) return this.giveUp(reference, nowMs);
    const gain = gainOfFewer(
      direction === 'up' ? reference : (fewer?.window ?? window),
      fewer === undefined && direction === 'down' ? reference : window,
    );
    if (gain === 'too early' && window.count < MAX_TRIAL) return;
    const fewerAreEnough = typeof gain === 'number' && gain * (direction === 'down' ? this.kept : 1) >= KEEP;
    if (direction === 'up' ? fewerAreEnough || typeof gain !== 'number' : !fewerAreEnough) return this.giveUp(reference, nowMs);
    if (direction === 'down' && fewer === undefined) {
      this.trial = { direction, limit: this.limit, reference, fewer: { limit: trial.limit, window } };
      return this.drain();
    }
    this.limit = fewer?.limit ?? trial.limit;
    this.kept = direction === 'down' && typeof gain === 'number' ? Math.min(1, this.kept * gain) : 1;
    this.wait = FIRST_WAIT;
    this.begin(direction, fewer?.window ?? window, nowMs);
  }

  /** Returns to the limit from before the trial. */
  private giveUp(calm: LoadWindow, nowMs: number): void {
    this.next = this.trial?.direction === 'up' ? 'down' : 'up';
    this.trial = undefined;
    this.calm = calm;
    this.wait = Math.min(LAST_WAIT, this.wait * 2);
    this.lastTrialMs = nowMs;
    this.windows = 0;
    this.drain();
  }

  /** Calls that end from now on were sent under another limit; what is in flight above the present one has to drain. */
  private drain(): void {
    this.sinceMs = undefined;
    this.window = new LoadWindow();
  }

  private count(nowMs: number): void {
    this.sinceMs = nowMs + this.settleMs;
    this.skip = Math.ceil(this.current);
    this.window = new LoadWindow();
  }
}

/**
 * Throughput with fewer slots over throughput with more: 1 where the difference had only queued, the ratio of the slots where all
 * were used.
 */
function gainOfFewer(fewer: LoadWindow, more: LoadWindow): number | 'too early' | 'unclear' {
  const scales = Math.log(fewer.inFlight / more.inFlight);
  const { change, error } = more.changeTo(fewer);
  if (error > (Math.log(KEEP) - scales) / SURE) return 'too early';
  if (change < scales - STRAY_DOWN || change > STRAY) return 'unclear';
  return Math.exp(scales - change);
}

/** Samples of a window: about one for each slot, enough to compare, and not so many that a change is noticed late. */
function windowSize(limit: number): number {
  return Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, Math.ceil(limit)));
}
