/** Replay examples beside which the share has room for one new example. */
export function leastReplay(newShare: number): number {
  return Math.max(1, Math.ceil((0.5 * (1 - newShare)) / newShare));
}
