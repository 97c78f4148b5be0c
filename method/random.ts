import { mix32 } from './hash';
import { MethodError } from './method-error';

/** A stream of pseudo-random numbers that depends on its seed alone. */
export interface Random {
  /** A uniform whole number from 0 to `bound - 1`; `bound` is from 1 to 2^32. */
  below(bound: number): number;
}

/**
 * The small fast counting generator sfc32 (C. Doty-Humphrey, PractRand), 128 bits of state, filled from a whole-number seed.
 * @throws {MethodError} when the seed is not a safe integer.
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new MethodError(`the seed is ${seed}; give a whole number`);
  const low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  let a = mix32(low ^ 0x9e3779b9);
  let b = mix32(high ^ 0x243f6a88);
  let c = mix32(low ^ mix32(high));
  let counter = 1;

  function next(): number {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  }
  // The first outputs still show the seed; the author's own seeding discards fifteen.
  for (let i = 0; i < 15; i++) next();

  let lastBound = Number.NaN; // equal to no bound
  let limit = 0;
  return {
    below(bound) {
      if (bound === lastBound) return within(bound);
      if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
        throw new MethodError(`the bound is ${bound}; give a whole number from 1 to 2^32`);
      }
      lastBound = bound;
      limit = 2 ** 32 - (2 ** 32 % bound);
      return within(bound);
    },
  };

  function within(bound: number): number {
    // Values past the last whole multiple of the bound would favour small results, so they are drawn again.
    let value = next();
    while (value >= limit) value = next();
    return value % bound;
  }
}

/** A new array with the items of `items` in an order that the random stream decides (Fisher-Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const item = result[last]!;
    result[last] = result[other]!;
    result[other] = item;
  }
  return result;
}
