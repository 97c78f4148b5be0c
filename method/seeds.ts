import { hash32 } from './hash';
import { MethodError } from './method-error';

/** Seeds are below 2^31, since some servers read them as a signed 32-bit integer. */
const SEED_MASK = 0x7fffffff;

/** What a call's seed depends on. */
export interface SeedParts {
  /** The run's own seed: a whole number. */
  readonly runSeed: number;
  /** Names the stream, for instance `extract`, or `respond:<model>` so that two models do not share their noise. */
  readonly stage: string;
  /** 0-based number of the item within the stage, at most 2^31 - 1. */
  readonly itemIndex: number;
  /** 0-based number of the sample within the item. */
  readonly sample: number;
  /** Number of the try, from 1 or 0: another try must draw another reply. */
  readonly attempt: number;
}

/**
 * The sampling seed of one call: a whole number from 0 to 2^31 - 1, the same in every process and on every machine.
 *
 * Within one (run, stage, sample, attempt) different items never share a seed: the item index goes through a keyed
 * bijection, not a hash. Extraction sends one and the same prompt 100,000 times, where hashed 31-bit seeds would collide
 * about twice and give duplicate instructions.
 *
 * @throws {MethodError} when a number is not a whole one in range.
 */
export function deriveSeed({ runSeed, stage, itemIndex, sample, attempt }: SeedParts): number {
  if (!Number.isSafeInteger(runSeed)) throw new MethodError(`runSeed is ${runSeed}; give a whole number`);
  for (const [name, value] of [
    ['itemIndex', itemIndex],
    ['sample', sample],
    ['attempt', attempt],
  ] as const) {
    if (!Number.isInteger(value) || value < 0 || value > SEED_MASK) {
      throw new MethodError(`${name} is ${value}; give a whole number from 0 to ${SEED_MASK}`);
    }
  }
  const stream = `${runSeed}|${sample}|${attempt}|${stage}`;
  return permute31(itemIndex, hash32(stream), hash32(`${stream}|2`));
}

/** A bijection of the 31-bit integers, chosen by two 32-bit keys: each step is invertible modulo 2^31. */
function permute31(value: number, keyA: number, keyB: number): number {
  let x = (value ^ keyA) & SEED_MASK;
  x = Math.imul(x, 0x9e3779b1 | 1) & SEED_MASK;
  x ^= x >>> 15;
  x = Math.imul(x, keyB | 1) & SEED_MASK;
  x ^= x >>> 13;
  x = Math.imul(x ^ (keyB & SEED_MASK), 0x85ebca6b) & SEED_MASK;
  x ^= x >>> 16;
  return x;
}
