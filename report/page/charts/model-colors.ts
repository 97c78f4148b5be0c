import type { RunSpec } from '../../../config/spec';

/** The page's palette, in the order in which series take it. */
const SERIES = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'] as const;

/** One colour a model, the same in every plot: generators first, then the judges that are none. */
export function modelColors(spec: Pick<RunSpec, 'target' | 'synthesis'>): ReadonlyMap<string, (typeof SERIES)[number]> {
  const names = new Set([...spec.synthesis.respond.generators, ...spec.synthesis.judge.judges, spec.target.model]);
  return new Map([...names].map((name, index) => [name, SERIES[index % SERIES.length]!]));
}
