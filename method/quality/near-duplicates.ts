import { mix32 } from '../hash';
import { chooseBands, MinHasher, type Bands } from './minhash';
import { jaccard, shingleHashes, shinglesOf } from './shingles';

export interface NearDuplicateOptions {
  /** Least Jaccard similarity of two texts' shingles that makes the later one a near duplicate, above 0 to 1. */
  readonly threshold: number;
  /** Characters of a shingle. */
  readonly shingleSize: number;
  /** Components of a MinHash signature: more find more of the pairs that are barely alike. */
  readonly permutations: number;
}

/** An earlier text that a text is too much like. */
export interface NearDuplicate {
  readonly id: string;
  /** Exact Jaccard similarity of the two sets of shingles. */
  readonly similarity: number;
}

/** Chance of finding a pair exactly at the threshold; pairs that are more alike are found more surely still. */
export const LEAST_RECALL = 0.99;

const INITIAL_ENTRIES = 1 << 12;

/**
 * The texts kept so far, searched by MinHash and locality-sensitive hashing (as datasketch and text-dedup do it), every find
 * checked against the exact similarity. Memory is the folded texts and some 8 bytes a band; signatures are not kept.
 */
export class NearDuplicateIndex {
  readonly bands: Bands;
  private readonly hasher: MinHasher;
  private readonly ids: string[] = [];
  private readonly texts: string[] = [];
  /** Chained hash table: `heads` holds the newest entry of a slot, `next` the one before it; 0 ends a chain. */
  private heads = new Int32Array(INITIAL_ENTRIES);
  private next = new Int32Array(INITIAL_ENTRIES);
  private keys = new Uint32Array(INITIAL_ENTRIES);
  private entries = 0;

  constructor(private readonly options: NearDuplicateOptions) {
    const { threshold, permutations } = options;
    this.bands = chooseBands({ threshold, components: permutations, recall: LEAST_RECALL });
    this.hasher = new MinHasher(this.bands.bands * this.bands.rows);
  }

  /**
   * The most similar of the texts kept so far, if one is at least as similar as the threshold (the first of equals). If
   * there is none, the text joins them.
   * @param folded text that {@link foldText} made
   */
  findOrKeep(id: string, folded: string): NearDuplicate | undefined {
    const { threshold, shingleSize } = this.options;
    const shingles = shinglesOf(folded, shingleSize);
    const keys = this.bandKeys(this.hasher.signature(shingleHashes(shingles)));
    let best: NearDuplicate | undefined;
    for (const place of this.meetings(keys)) {
      const similarity = jaccard(shingles, shinglesOf(this.texts[place]!, shingleSize));
      if (similarity >= threshold && (best === undefined || similarity > best.similarity)) best = { id: this.ids[place]!, similarity };
    }
    if (best === undefined) this.keep(id, folded, keys);
    return best;
  }

  private keep(id: string, folded: string, keys: Uint32Array): void {
    this.ids.push(id);
    this.texts.push(folded);
    for (const key of keys) this.insert(key);
  }

  /** Places of the texts that share a band, oldest first. */
  private meetings(keys: Uint32Array): number[] {
    const places = new Set<number>();
    for (const key of keys) {
      for (let entry = this.heads[this.slotOf(key)]!; entry !== 0; entry = this.next[entry - 1]!) {
        // Entries of a text are consecutive, one a band.
        if (this.keys[entry - 1] === key) places.add(Math.floor((entry - 1) / this.bands.bands));
      }
    }
    return [...places].sort((a, b) => a - b);
  }

  private bandKeys(signature: Uint32Array): Uint32Array {
    const { bands, rows } = this.bands;
    return Uint32Array.from({ length: bands }, (_, band) => {
      // Equal values in different bands are different keys.
      let key = mix32(band + 1);
      for (let row = 0; row < rows; row++) key = mix32(key ^ signature[band * rows + row]!);
      return key;
    });
  }

  private insert(key: number): void {
    if (this.entries === this.keys.length) this.grow();
    this.keys[this.entries] = key;
    this.link(this.entries++);
  }

  private link(index: number): void {
    const slot = this.slotOf(this.keys[index]!);
    this.next[index] = this.heads[slot]!;
    this.heads[slot] = index + 1;
  }

  private slotOf(key: number): number {
    return key & (this.heads.length - 1);
  }

  private grow(): void {
    const size = this.keys.length * 2;
    const keys = new Uint32Array(size);
    keys.set(this.keys);
    this.keys = keys;
    this.next = new Int32Array(size);
    this.heads = new Int32Array(size);
    for (let index = 0; index < this.entries; index++) this.link(index);
  }
}
