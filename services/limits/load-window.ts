/** Running mean and sum of squared deviations (Welford). */
interface Moments {
  n: number;
  mean: number;
  squares: number;
}

/**
 * Latencies of a period under one limit, by kind of call. They are kept as logarithms: load slows every kind by a factor, and a
 * single reply that took ten times as long then weighs little.
 */
export class LoadWindow {
  private readonly kinds = new Map<number, Moments>();
  private inFlightSum = 0;
  private msSum = 0;
  private n = 0;

  /** @param kind calls of one kind take a similar time; see {@link replyKind} */
  add(kind: number, ms: number, inFlight: number): void {
    let moments = this.kinds.get(kind);
    if (moments === undefined) this.kinds.set(kind, (moments = { n: 0, mean: 0, squares: 0 }));
    const value = logMs(ms);
    moments.n++;
    const before = value - moments.mean;
    moments.mean += before / moments.n;
    moments.squares += before * (value - moments.mean);
    this.inFlightSum += inFlight;
    this.msSum += ms;
    this.n++;
  }

  get count(): number {
    return this.n;
  }

  /** Mean number of calls in flight. */
  get inFlight(): number {
    return this.inFlightSum / this.n;
  }

  get meanMs(): number {
    return this.msSum / this.n;
  }

  /** How far, as a logarithm, the calls are above the fastest of their kinds, on average. */
  above(fastest: ReadonlyMap<number, number>): number {
    let sum = 0;
    for (const [kind, { n, mean }] of this.kinds) sum += n * (mean - (fastest.get(kind) ?? mean));
    return sum / this.n;
  }

  /** The other window's latency over this one's, as a logarithm, with its standard error; only kinds that both have count. */
  changeTo(other: LoadWindow): { readonly change: number; readonly error: number } {
    let weights = 0;
    let sum = 0;
    let squares = 0;
    let freedom = 0;
    for (const [kind, a] of this.kinds) {
      const b = other.kinds.get(kind);
      if (b === undefined) continue;
      const weight = (a.n * b.n) / (a.n + b.n);
      weights += weight;
      sum += weight * (b.mean - a.mean);
      squares += a.squares + b.squares;
      freedom += a.n + b.n - 2;
    }
    if (freedom < MIN_FREEDOM) return { change: 0, error: Number.POSITIVE_INFINITY };
    return { change: sum / weights, error: Math.sqrt(squares / freedom / weights) };
  }
}

/** With fewer degrees of freedom the spread is not known. */
const MIN_FREEDOM = 12;

/** Natural logarithm of a time in ms; less than 1 ms counts as 1 ms. */
export function logMs(ms: number): number {
  return Math.log(Math.max(1, ms));
}

/**
 * Calls that take a similar time on one server: the same reply length within half an octave, and about the same size of request.
 * Comparing within a kind keeps a run whose replies become longer from looking like a server that slows down.
 * @param requestTokens prompt tokens plus the most that may come back
 */
export function replyKind(completionTokens: number, requestTokens: number): number {
  return Math.round(2 * Math.log2(Math.max(1, completionTokens))) * 32 + Math.round(Math.log2(Math.max(1, requestTokens)));
}
