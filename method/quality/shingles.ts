import { hash32 } from '../hash';

/**
 * The set of runs of `size` characters in a folded text (UTF-16 code units); a shorter text is one shingle.
 *
 * Characters rather than words, since instructions are short: in a dozen words one changed word spoils five of eight
 * five-word shingles, and languages without spaces have no words to count. Five is the usual size for short texts
 * (Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.2.2).
 */
export function shinglesOf(folded: string, size: number): Set<string> {
  const shingles = new Set<string>();
  for (let start = 0; start === 0 || start + size <= folded.length; start++) shingles.add(folded.slice(start, start + size));
  return shingles;
}

/** Shared part of two sets: size of the intersection over size of the union, 0 to 1; 1 for two empty sets. */
export function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a];
  let shared = 0;
  for (const shingle of small) if (large.has(shingle)) shared++;
  const union = a.size + b.size - shared;
  return union === 0 ? 1 : shared / union;
}

/** 32-bit hashes of shingles, in no particular order. */
export function shingleHashes(shingles: ReadonlySet<string>): Uint32Array {
  const hashes = new Uint32Array(shingles.size);
  let index = 0;
  for (const shingle of shingles) hashes[index++] = hash32(shingle);
  return hashes;
}
