import { hash32 } from './hash';
import { createRandom, shuffled } from './random';

/** Rows of one set, and how often one of them counts beside a row of another set. */
export interface WeightedSet<Row> {
  /** Above 0. */
  readonly weight: number;
  readonly rows: readonly Row[];
}

/** How many rows of each set are taken: all of the heaviest, of the others their part by weight. */
export function weightedCounts(sets: readonly { readonly weight: number; readonly rows: number }[]): number[] {
  const most = Math.max(...sets.map(({ weight }) => weight));
  return sets.map(({ weight, rows }) => Math.round((rows * weight) / most));
}

/**
 * Rows of several sets as one, by their weights; which ones of a lighter set, `seed` draws. No row is taken twice: what is held out
 * of one would else be trained in its copy. The order is that of the sets.
 */
export function weightedRows<Row>(sets: readonly WeightedSet<Row>[], seed: number): Row[] {
  const counts = weightedCounts(sets.map(({ weight, rows }) => ({ weight, rows: rows.length })));
  return sets.flatMap(({ rows }, index) => {
    if (counts[index] === rows.length) return [...rows];
    return shuffled(rows, createRandom(hash32(`${seed}|new-data|${index}`))).slice(0, counts[index]);
  });
}
