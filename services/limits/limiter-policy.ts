/** Adaptive concurrency, as in TCP: additive increase, multiplicative decrease, one cut per burst. */
export interface ConcurrencyState {
  /** Requests allowed in flight; rounded down when applied. */
  readonly limit: number;
  /** Time of the last cut; failures of requests that began before it belong to the same burst. */
  readonly lastCutMs: number;
}

const CUT_FACTOR = 0.5;

/** After a success: one more slot per full round of successes, up to `max`. */
export function afterSuccess(state: ConcurrencyState, max: number): ConcurrencyState {
  if (state.limit >= max) return state;
  return { ...state, limit: Math.min(max, state.limit + 1 / Math.max(1, state.limit)) };
}

/** After a refusal for load: half the slots, unless the request belongs to a burst that was cut for already. */
export function afterOverload(state: ConcurrencyState, requestStartMs: number, nowMs: number): ConcurrencyState {
  if (requestStartMs <= state.lastCutMs) return state;
  return { limit: Math.max(1, state.limit * CUT_FACTOR), lastCutMs: nowMs };
}
