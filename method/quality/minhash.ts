import { mix32 } from '../hash';

/**
 * MinHash (Broder, "On the resemblance and containment of documents", 1997): the share of equal components in two
 * signatures estimates the Jaccard similarity of the sets behind them, with a standard error of sqrt(J (1 - J) / components).
 */
export class MinHasher {
  private readonly seeds: Uint32Array;
  private readonly multipliers: Uint32Array;

  /** @param components length of a signature */
  constructor(readonly components: number) {
    this.seeds = Uint32Array.from({ length: components }, (_, index) => mix32(2 * index + 1));
    this.multipliers = Uint32Array.from({ length: components }, (_, index) => mix32(2 * index + 2) | 1);
  }

  /** The smallest value of each component's permutation over the set's hashes, which must be well mixed. */
  signature(hashes: Uint32Array): Uint32Array {
    const { components, seeds, multipliers } = this;
    const { imul } = Math; // looked up once: this is the innermost loop
    const smallest = new Uint32Array(components).fill(0xffffffff);
    for (const hash of hashes) {
      for (let index = 0; index < components; index++) {
        // Xor, then multiplying by an odd number, is a permutation of the 32-bit numbers.
        let value = imul(hash ^ seeds[index]!, multipliers[index]!);
        value = (value ^ (value >>> 15)) >>> 0;
        if (value < smallest[index]!) smallest[index] = value;
      }
    }
    return smallest;
  }
}

/** Locality-sensitive hashing of signatures: two texts meet when all rows of any one band are equal. */
export interface Bands {
  readonly bands: number;
  readonly rows: number;
}

/** Chance that two sets of this similarity meet in at least one band (Mining of Massive Datasets, section 3.4.2). */
export function meetingChance(similarity: number, { bands, rows }: Bands): number {
  return 1 - (1 - similarity ** rows) ** bands;
}

/**
 * The longest bands, hence the fewest needless meetings, in which two sets exactly at the threshold still meet with at
 * least this chance. Every meeting is checked against the exact similarity, so only missing one is an error; libraries that
 * do not check (datasketch, by its defaults) balance both kinds and miss more than half of the pairs at 0.8.
 */
export function chooseBands({
  threshold,
  components,
  recall,
}: {
  readonly threshold: number;
  readonly components: number;
  readonly recall: number;
}): Bands {
  for (let rows = components; rows > 1; rows--) {
    const bands = { bands: Math.floor(components / rows), rows };
    if (meetingChance(threshold, bands) >= recall) return bands;
  }
  return { bands: components, rows: 1 };
}
