import type { ModelErrorKind, ModelFailure } from './model-errors';

/** No endpoint is assumed to fail less often than this. */
const LEAST_FAILURE_RATE = 0.001;

export interface EndpointHealthOptions {
  /** The shortest time that a request must have failed for: before that, part of a server may be down. */
  readonly minFailingMs?: number;
  /** A request is at fault when a good one would fail as often only with a probability below this. */
  readonly significance?: number;
}

/** How the calls of one endpoint end, shared by all batches of this process that call it. */
export class EndpointHealth {
  private readonly suspects = new Set<SuspectRequest>();
  private everAnswered = false;
  private readonly limits: Required<EndpointHealthOptions>;

  constructor({ minFailingMs = 60_000, significance = 1e-9 }: EndpointHealthOptions = {}) {
    this.limits = { minFailingMs, significance };
  }

  /** Whether this process has had a reply from it: then its address is right, whatever fails now. */
  get hasAnswered(): boolean {
    return this.everAnswered;
  }

  /** Records how a call's first try ended. Retries are left out: a few calls that keep failing would count as many. */
  firstTry(startMs: number, answered: boolean): void {
    if (answered) this.everAnswered = true;
    for (const suspect of this.suspects) suspect.otherEnded(startMs, answered);
  }

  /** Records that a retry was answered. */
  answered(): void {
    this.everAnswered = true;
  }

  /** Starts to compare a request that failed with all others, until it is closed. */
  watch(nowMs: number): SuspectRequest {
    const suspect = new SuspectRequest(nowMs, this.limits, () => this.suspects.delete(suspect));
    this.suspects.add(suspect);
    return suspect;
  }
}

/**
 * A request that keeps failing. If the endpoint is at fault, the request is retried until the endpoint recovers. If the request
 * is (it crashes the server, or its reply never ends), retrying would never end and hold up its batch.
 *
 * A failure is evidence against the request only if others succeeded since its last one, so an outage, however long, is evidence
 * against none. If a share p of the others fails, each such failure multiplies the p-value of "the request is good" by p.
 */
export class SuspectRequest {
  /** Failures in a row. */
  failures = 0;
  private lastKind: ModelErrorKind | undefined;
  private lastKindTimes = 0;
  private lastMs: number;
  private notBeforeMs = 0;
  private others = 0;
  private othersAnswered = 0;
  private answeredSinceLast = false;
  private pValue = 1;

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
    this.lastKindTimes = this.timesInRow(failure.kind) + 1;
    this.lastKind = failure.kind;
    if (this.answeredSinceLast && mayBeItsFault(failure)) {
      const rate = (this.others - this.othersAnswered + 1) / (this.others + 1);
      this.pValue *= Math.max(rate, LEAST_FAILURE_RATE);
    }
    this.answeredSinceLast = false;
    this.lastMs = nowMs;
    this.notBeforeMs = nowMs + waitMs;
  }

  /** Calls that began before the last failure are no evidence: they may succeed during an outage. */
  otherEnded(startMs: number, answered: boolean): void {
    if (startMs < this.lastMs) return;
    this.others++;
    if (!answered) return;
    this.othersAnswered++;
    this.answeredSinceLast = true;
  }

  /** How many of the last failures in a row were of this kind. */
  timesInRow(kind: ModelErrorKind): number {
    return kind === this.lastKind ? this.lastKindTimes : 0;
  }

  /** Time until the next try. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.notBeforeMs - nowMs);
  }

  /** Whether another request has been answered since this one began to fail. */
  get othersAreAnswered(): boolean {
    return this.othersAnswered > 0;
  }

  /** Whether another request has been answered since the last failure; if not, the next failure is no evidence. */
  get othersAnsweredSinceFailure(): boolean {
    return this.answeredSinceLast;
  }

  isAtFault(nowMs: number): boolean {
    return this.pValue < this.limits.significance && nowMs - this.sinceMs >= this.limits.minFailingMs;
  }

  /** The reason of the failure that its item ends with. */
  describe(): string {
    return `failed ${this.failures} times in a row while ${this.othersAnswered} of ${this.others} other requests succeeded at the first try`;
  }
}

/** What one request can do to a server. "Too many" and "not now" are about the load, not about one request. */
function mayBeItsFault({ kind }: ModelFailure): boolean {
  return kind === 'server_error' || kind === 'bad_body' || kind === 'timeout' || kind === 'connection';
}
