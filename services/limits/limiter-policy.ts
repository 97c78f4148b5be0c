/** Adaptive concurrency, as TCP does it: additive increase, multiplicative decrease, one cut for each burst. */
export interface ConcurrencyState {
  /** Requests allowed in flight; its whole part counts. */
  readonly limit: number;
  /** Time of the last cut; failures of requests that began before it belong to the same burst. */
  readonly lastCutMs: number;
}

const CUT_FACTOR = 0.5;

/** After a success: one more slot for each full round of successes, up to `max`. */
export function afterSuccess(state: ConcurrencyState, max: number): ConcurrencyState {
  if (state.limit >= max) return state;
  return { ...state, limit: Math.min(max, state.limit + 1 / Math.max(1, state.limit)) };
}

/** After a reply that says "too much": half the slots, unless the request belongs to a burst already answered. */
export function afterOverload(state: ConcurrencyState, requestStartMs: number, nowMs: number): ConcurrencyState {
  if (requestStartMs <= state.lastCutMs) return state;
  return { limit: Math.max(1, state.limit * CUT_FACTOR), lastCutMs: nowMs };
}
