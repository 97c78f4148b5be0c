import type { ModelFailure } from './model-errors';

/** No endpoint is trusted to fail less often than this. */
const LEAST_FAILURE_RATE = 0.001;

export interface EndpointHealthOptions {
  /** The least time for which a request must have failed: a short outage of a part of a server looks the same. */
  readonly poisonAfterMs?: number;
  /** A good request must be less likely than this to fail so often, before the request itself is held to be at fault. */
  readonly chanceOfBadLuck?: number;
}

/** How the calls of one endpoint go, shared by all batches of this process that call it. */
export class EndpointHealth {
  private readonly watching = new Set<Trouble>();
  private everAnswered = false;
  private readonly limits: Required<EndpointHealthOptions>;

  constructor({ poisonAfterMs = 60_000, chanceOfBadLuck = 1e-9 }: EndpointHealthOptions = {}) {
    this.limits = { poisonAfterMs, chanceOfBadLuck };
  }

  /** Whether it has given a reply to this process: if so, what is wrong now is not the address. */
  get hasAnswered(): boolean {
    return this.everAnswered;
  }

  /** Books how a call's first try ended. Later tries are left out: a few calls that fail again and again would count for many. */
  firstTry(startMs: number, answered: boolean): void {
    if (answered) this.everAnswered = true;
    for (const trouble of this.watching) trouble.sawOther(startMs, answered);
  }

  /** Books that a later try was answered. */
  answered(): void {
    this.everAnswered = true;
  }

  /** Begins to compare a request that failed with the others, until it is closed. */
  watch(nowMs: number): Trouble {
    const trouble = new Trouble(nowMs, this.limits, () => this.watching.delete(trouble));
    this.watching.add(trouble);
    return trouble;
  }
}

/**
 * One request that fails again and again. Whose fault is it? The endpoint's: then it is waited out. The request's own (it
 * crashes the server, or its reply never ends): then it would be tried for ever and hold up its batch.
 *
 * A failure speaks against the request only when others passed since its last one, so that no outage, however long, speaks
 * against any. With a share p of the others failing, it then makes "only bad luck" p times as likely.
 */
export class Trouble {
  /** Failures in a row. */
  failures = 0;
  private lastKind = '';
  private lastKindTimes = 0;
  private lastMs: number;
  private notBeforeMs = 0;
  private others = 0;
  private othersAnswered = 0;
  private answeredSinceLast = false;
  private chanceOfBadLuck = 1;

  constructor(
    readonly sinceMs: number,
    private readonly limits: Required<EndpointHealthOptions>,
    /** To be called when the request is answered or given up. */
    readonly close: () => void,
  ) {
    this.lastMs = sinceMs;
  }

  /** @param waitMs time until the next try */
  failed(failure: ModelFailure, nowMs: number, waitMs: number): void {
    this.failures++;
    this.lastKindTimes = this.timesOf(failure.kind) + 1;
    this.lastKind = failure.kind;
    if (this.answeredSinceLast && mayBeTheRequests(failure)) {
      const rate = (this.others - this.othersAnswered + 1) / (this.others + 1);
      this.chanceOfBadLuck *= Math.max(rate, LEAST_FAILURE_RATE);
    }
    this.answeredSinceLast = false;
    this.lastMs = nowMs;
    this.notBeforeMs = nowMs + waitMs;
  }

  /** Calls that began before the last failure say nothing: they may end well in an outage. */
  sawOther(startMs: number, answered: boolean): void {
    if (startMs < this.lastMs) return;
    this.others++;
    if (!answered) return;
    this.othersAnswered++;
    this.answeredSinceLast = true;
  }

  /** How often the last failures in a row were of this kind. */
  timesOf(kind: string): number {
    return kind === this.lastKind ? this.lastKindTimes : 0;
  }

  waitMs(nowMs: number): number {
    return Math.max(0, this.notBeforeMs - nowMs);
  }

  /** Whether another had its reply since it began. */
  get othersPass(): boolean {
    return this.othersAnswered > 0;
  }

  /** Whether another had its reply since it failed last; without that, its next failure says nothing. */
  get othersPassedSinceLast(): boolean {
    return this.answeredSinceLast;
  }

  isTheRequests(nowMs: number): boolean {
    return this.chanceOfBadLuck < this.limits.chanceOfBadLuck && nowMs - this.sinceMs >= this.limits.poisonAfterMs;
  }

  /** For the loss's reason. */
  describe(): string {
    return `failed ${this.failures} times in a row while ${this.othersAnswered} of ${this.others} other requests passed at once`;
  }
}

/** What a request can do to a server by itself. "Too many" and "not now" are not about one request. */
function mayBeTheRequests({ kind }: ModelFailure): boolean {
  return kind === 'server_error' || kind === 'bad_body' || kind === 'timeout' || kind === 'connection';
}
