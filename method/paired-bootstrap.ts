import { hash32 } from './hash';
import { normalQuantile, normalShare } from './normal';
import { checkPaired, meanDifference, sum, type ComparisonOptions, type PairedTask } from './paired-tasks';
import { createRandom, type Random } from './random';

/** A difference with its interval. */
export interface Interval {
  readonly value: number;
  /** Null where no two documents of a task differ: there is no spread to judge by. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface BootstrapOptions extends ComparisonOptions {
  readonly resamples?: number;
  /** 0 to 1. */
  readonly confidence?: number;
}

const RESAMPLES = 2_000;

/**
 * Mean over tasks of the (weighted) mean difference, with its bias-corrected and accelerated (BCa) interval from resampling the documents of
 * each task (paired bootstrap: both models answer the same documents, so what is hard for both cancels out). Where the
 * correction is not defined the interval is that of the percentiles. Sources: Efron and Tibshirani (1993), chapters 13 and 14; Koehn (2004)
 * for its use in comparing systems.
 *
 * @throws {MethodError} without tasks, or when a task has no documents.
 */
export function bootstrapDifference(
  tasks: readonly PairedTask[],
  { name, seed, resamples = RESAMPLES, confidence = 0.95 }: BootstrapOptions,
): Interval {
  checkPaired(tasks, name);
  const value = meanDifference(tasks);
  const random = createRandom(hash32(`${seed}|bootstrap|${name}`));
  const drawn = new Float64Array(resamples);
  for (let draw = 0; draw < resamples; draw++) {
    let total = 0;
    for (const task of tasks) total += resampledMean(task, random);
    drawn[draw] = total / tasks.length;
  }
  drawn.sort();
  // Of equal differences the means differ in their last digits alone.
  if (drawn.at(-1)! - drawn[0]! <= 1e-10 * Math.max(Math.abs(drawn[0]!), Math.abs(drawn.at(-1)!))) return { value, low: null, high: null };
  const tail = (1 - confidence) / 2;
  const [low, high] = correctedShares(tasks, bias(drawn, value), tail);
  return { value, low: quantile(drawn, low), high: quantile(drawn, high) };
}

function resampledMean({ differences, weights, scale }: PairedTask, random: Random): number {
  const n = differences.length;
  let total = 0;
  let weight = 0;
  for (let i = 0; i < n; i++) {
    const document = random.below(n);
    const counts = weights?.[document] ?? 1;
    total += differences[document]! * counts;
    weight += counts;
  }
  return (total / weight) * scale;
}

/** How far the resamples lie to one side of the value, as a place of the normal distribution; ties count half. */
function bias(drawn: Float64Array, value: number): number {
  const slack = 1e-12 * Math.max(Math.abs(drawn[0]!), Math.abs(drawn.at(-1)!));
  let below = 0;
  let atMost = 0;
  for (const each of drawn) {
    if (each < value - slack) below++;
    if (each <= value + slack) atMost++;
  }
  return normalQuantile((below + atMost) / 2 / drawn.length);
}

/** Shares of the resamples at which the corrected interval begins and ends: equation 14.10 of Efron and Tibshirani. */
function correctedShares(tasks: readonly PairedTask[], z0: number, tail: number): [number, number] {
  const a = acceleration(tasks);
  const z = normalQuantile(tail);
  const at = (place: number): number => normalShare(z0 + (z0 + place) / (1 - a * (z0 + place)));
  const shares: [number, number] = [at(z), at(-z)];
  return shares.every(Number.isFinite) ? shares : [tail, 1 - tail];
}

/** From leaving out one document at a time; over several tasks as in equation 15.36 of the same book. */
function acceleration(tasks: readonly PairedTask[]): number {
  let cubes = 0;
  let squares = 0;
  for (const { differences, weights, scale } of tasks) {
    const n = differences.length;
    if (n < 2) continue;
    const weightOf = (index: number): number => weights?.[index] ?? 1;
    const total = sum(differences.map((difference, index) => difference * weightOf(index)));
    const weight = weights === undefined ? n : sum(weights);
    const without = differences.map(
      (difference, index) => ((total - difference * weightOf(index)) / (weight - weightOf(index)) / tasks.length) * scale,
    );
    const mean = sum(without) / n;
    const influences = without.map((each) => (n - 1) * (mean - each));
    cubes += sum(influences.map((each) => each ** 3)) / n ** 3;
    squares += sum(influences.map((each) => each ** 2)) / n ** 2;
  }
  return cubes / 6 / squares ** 1.5;
}

/** Between the sorted values, as type 7 of Hyndman and Fan (1996). */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (place - low);
}
