import { hash32 } from './hash';
import { MethodError } from './method-error';
import { createRandom, shuffled } from './random';
import type { Conversation } from './records';

/**
 * Conversations whose loss is measured: `replay`, the replay set's own rows; `own`, the target model's first answers to the
 * instructions of those rows; `new`, the new data.
 */
export const HELD_OUT_SETS = ['replay', 'own', 'new'] as const;

export type HeldOutSet = (typeof HELD_OUT_SETS)[number];

/** A conversation that no variant is trained on. */
export interface HeldOutRow extends Conversation {
  readonly set: HeldOutSet;
}

export interface HoldOutInput<Row> {
  readonly rows: readonly Row[];
  readonly count: number;
  /** What the rows are, such as `replay`; each has random numbers of its own. */
  readonly name: string;
  readonly seed: number;
}

/**
 * Chooses the rows that are held out from training, in the order of their ids. The choice depends on the rows and the seed,
 * not on the order in which they come, and fewer rows are a part of what more would be.
 *
 * @throws {MethodError} when no row would be left to train on.
 */
export function holdOut<Row extends { readonly id: string }>({ rows, count, name, seed }: HoldOutInput<Row>): Row[] {
  if (count > 0 && count >= rows.length) {
    throw new MethodError(
      `mix.holdOut.${name} holds out ${count} rows, but there are only ${rows.length}, of which some must be left to train on; lower it, or give more rows`,
    );
  }
  const sorted = [...rows].sort(byId);
  return shuffled(sorted, createRandom(hash32(`${seed}|holdout|${name}`)))
    .slice(0, count)
    .sort(byId);
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
