import { errorFunction, standardDeviation } from 'simple-statistics';
import { hash32 } from './hash';
import { MethodError } from './method-error';
import { createRandom } from './random';

/** A difference with its interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Two-sided, from the normal distribution with the resamples' standard deviation: counting resamples could not show how rare a rare one is. */
  readonly p: number;
}

/** The documents of one task: what each gained or lost, and what one document's worth is on the scale of the result. */
export interface PairedTask {
  /** after - before of each document. */
  readonly differences: readonly number[];
  /** What each document counts for, such as its tokens; without them all count alike. */
  readonly weights?: readonly number[];
  /** Points for a difference of 1 on every document; 100 / (1 - chance) on the leaderboard's scale. */
  readonly scale: number;
}

export interface BootstrapOptions {
  /** Names the comparison, so that each has random numbers of its own whatever else is compared. */
  readonly name: string;
  readonly seed: number;
  readonly resamples?: number;
  /** 0 to 1. */
  readonly confidence?: number;
}

const RESAMPLES = 1_000;

/**
 * Mean over tasks of the (weighted) mean difference, with a percentile interval from resampling the documents of each task (paired
 * bootstrap: both models answer the same documents, so what is hard for both cancels out). Sources: Efron and Tibshirani
 * (1993), chapter 13; Koehn (2004) for its use in comparing systems.
 *
 * @throws {MethodError} without tasks, or when a task has no documents.
 */
export function bootstrapDifference(
  tasks: readonly PairedTask[],
  { name, seed, resamples = RESAMPLES, confidence = 0.95 }: BootstrapOptions,
): Interval {
  if (tasks.length === 0 || tasks.some(({ differences }) => differences.length === 0)) {
    throw new MethodError(`${name} has nothing to compare; give at least one document of each task`);
  }
  const random = createRandom(hash32(`${seed}|bootstrap|${name}`));
  const value = mean(tasks.map(({ differences, weights, scale }) => weightedMean(differences, weights) * scale));
  const drawn = new Float64Array(resamples);
  for (let draw = 0; draw < resamples; draw++) {
    let sum = 0;
    for (const { differences, weights, scale } of tasks) {
      const n = differences.length;
      let total = 0;
      let weight = 0;
      for (let i = 0; i < n; i++) {
        const document = random.below(n);
        const counts = weights?.[document] ?? 1;
        total += differences[document]! * counts;
        weight += counts;
      }
      sum += (total / weight) * scale;
    }
    drawn[draw] = sum / tasks.length;
  }
  drawn.sort();
  const tail = (1 - confidence) / 2;
  return {
    value,
    low: quantile(drawn, tail),
    high: quantile(drawn, 1 - tail),
    p: pValue(value, standardDeviation(Array.from(drawn)), resamples),
  };
}

/**
 * Holm's correction: p values of a family of comparisons, so that one wrong finding among all of them is as rare as the
 * level says. Holm (1979), Scandinavian Journal of Statistics 6.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const adjusted = new Array<number>(pValues.length).fill(1);
  let highest = 0;
  order.forEach(({ p, index }, rank) => {
    highest = Math.max(highest, Math.min(1, p * (pValues.length - rank)));
    adjusted[index] = highest;
  });
  return adjusted;
}

/** Where all documents changed alike there is no spread to judge by, and the number of resamples is the bound. */
function pValue(value: number, deviation: number, resamples: number): number {
  if (value === 0) return 1;
  if (deviation === 0) return 2 / (resamples + 1);
  // Not from a table of the normal distribution, which ends at p = 0.002: a correction for many comparisons would find nothing.
  return Math.min(1, 1 - errorFunction(Math.abs(value) / deviation / Math.SQRT2));
}

function weightedMean(values: readonly number[], weights: readonly number[] | undefined): number {
  if (weights === undefined) return mean(values);
  return values.reduce((sum, value, index) => sum + value * weights[index]!, 0) / weights.reduce((sum, each) => sum + each, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Between the sorted values, as type 7 of Hyndman and Fan (1996). */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (place - low);
}
