import { termsOf, termWeights, type TermVector } from './term-weights';

/** Texts that share at least this much of their words' weight, by cosine, are of one topic. */
const SAME_TOPIC = 0.5;

/**
 * The topic of each text, as a number: that of the first earlier text whose words it shares, else a new one (leader clustering: Hartigan
 * 1975, chapter 3). Unlike k-means it does not ask how many topics there are, so that new ones can be counted. Texts about one
 * thing in other words, or in other languages, are other topics; texts without a word in common with any other are each their own.
 */
export function leadingTopics(texts: readonly string[]): number[] {
  const vectors = termWeights(texts.map(termsOf));
  const postings = new Map<string, { readonly leader: number; readonly weight: number }[]>();
  let leaders = 0;
  return vectors.map((vector) => {
    const near = nearest(vector, postings, leaders);
    if (near !== undefined && near.similarity >= SAME_TOPIC) return near.leader;
    for (const [term, weight] of vector) {
      const found = postings.get(term);
      if (found === undefined) postings.set(term, [{ leader: leaders, weight }]);
      else found.push({ leader: leaders, weight });
    }
    return leaders++;
  });
}

function nearest(
  vector: TermVector,
  postings: ReadonlyMap<string, readonly { readonly leader: number; readonly weight: number }[]>,
  leaders: number,
): { readonly leader: number; readonly similarity: number } | undefined {
  const similar = new Float64Array(leaders);
  for (const [term, weight] of vector) for (const other of postings.get(term) ?? []) similar[other.leader]! += weight * other.weight;
  let best: { leader: number; similarity: number } | undefined;
  similar.forEach((similarity, leader) => {
    if (best === undefined || similarity > best.similarity) best = { leader, similarity };
  });
  return best;
}
