/** A request that was served: seconds on one clock, and its tokens. */
export interface TimedTokens {
  readonly start: number;
  readonly end: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Tokens a second. */
export interface TokenRate {
  readonly completion: number;
  readonly all: number;
}

/**
 * Tokens a second in a span of time. The tokens of a request are spread evenly over its time, so that one that reaches over an end of the
 * span counts by the part of it that lies inside.
 */
export function rateWithin(requests: readonly TimedTokens[], { from, to }: Span): TokenRate {
  if (!(to > from)) throw new RangeError(`a span from ${from} to ${to} holds no time`);
  let [completion, all] = [0, 0];
  for (const { start, end, promptTokens, completionTokens } of requests) {
    const inside = Math.min(end, to) - Math.max(start, from);
    const share = inside <= 0 ? 0 : inside / (end - start);
    completion += share * completionTokens;
    all += share * (completionTokens + promptTokens);
  }
  return { completion: completion / (to - from), all: all / (to - from) };
}

/** Requests in flight in a span of time, on average. */
export function inFlightWithin(requests: readonly Pick<TimedTokens, 'start' | 'end'>[], { from, to }: Span): number {
  return requests.reduce((sum, { start, end }) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0) / (to - from);
}

/**
 * The time in which a load that is sent at once, some in flight, keeps its server full: from the end of the first request to the
 * beginning of the last.
 */
export function fullSpan(requests: readonly TimedTokens[]): Span {
  return { from: Math.min(...requests.map(({ end }) => end)), to: Math.max(...requests.map(({ start }) => start)) };
}
