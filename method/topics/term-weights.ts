import { foldText } from '../quality/fold';

/** Words of a text, in any script: Unicode's word boundaries, with a dictionary where a script has no spaces. */
const SEGMENTER = new Intl.Segmenter('und', { granularity: 'word' });

/** A text as its terms, each with its weight; the weights' squares add up to 1. */
export type TermVector = ReadonlyMap<string, number>;

/** Terms that stand in more than this part of the texts tell nothing apart. */
const MOST_COMMON = 0.5;

/** Words of two characters or more, folded; words without a letter are left out. */
export function termsOf(text: string): string[] {
  return [...SEGMENTER.segment(foldText(text))].flatMap(({ segment, isWordLike }) =>
    isWordLike === true && segment.length > 1 && /\p{L}/u.test(segment) ? [segment] : [],
  );
}

/**
 * TF-IDF of texts: (1 + ln tf) ln(n / df), each text's vector of length 1. Terms of a single text, and of most texts, are left
 * out; a text that keeps none has an empty vector. Manning, Raghavan, Schütze, "Introduction to Information Retrieval", chapter 6.
 */
export function termWeights(texts: readonly (readonly string[])[]): TermVector[] {
  const frequency = documentFrequency(texts);
  return texts.map((terms) => {
    const counts = new Map<string, number>();
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    const weights = [...counts].flatMap(([term, count]): [string, number][] => {
      const documents = frequency.get(term)!;
      return documents < 2 || documents > MOST_COMMON * texts.length
        ? []
        : [[term, (1 + Math.log(count)) * Math.log(texts.length / documents)]];
    });
    const length = Math.hypot(...weights.map(([, weight]) => weight));
    return new Map(length === 0 ? [] : weights.map(([term, weight]) => [term, weight / length]));
  });
}

/** Nearest texts by cosine: indices with distances (1 - cosine, 0 to 1), the text itself first, `neighbours` in all. */
export function nearestTexts(
  vectors: readonly TermVector[],
  neighbours: number,
): { readonly indices: number[]; readonly distances: number[] }[] {
  const postings = new Map<string, { readonly text: number; readonly weight: number }[]>();
  vectors.forEach((vector, text) => {
    for (const [term, weight] of vector) {
      const found = postings.get(term);
      if (found === undefined) postings.set(term, [{ text, weight }]);
      else found.push({ text, weight });
    }
  });
  const similar = new Float64Array(vectors.length);
  return vectors.map((vector, own) => {
    similar.fill(0);
    for (const [term, weight] of vector) for (const other of postings.get(term)!) similar[other.text]! += weight * other.weight;
    const others = vectors
      .map((_, index) => index)
      .filter((index) => index !== own)
      // Of equals, those that come next after the text: else all texts without neighbours would gather around the first few.
      .sort((a, b) => similar[b]! - similar[a]! || ring(a - own, vectors.length) - ring(b - own, vectors.length))
      .slice(0, neighbours - 1);
    return { indices: [own, ...others], distances: [0, ...others.map((index) => Math.max(0, 1 - similar[index]!))] };
  });
}

/** In how many texts each term stands. */
export function documentFrequency(texts: readonly (readonly string[])[]): Map<string, number> {
  const frequency = new Map<string, number>();
  for (const terms of texts) for (const term of new Set(terms)) frequency.set(term, (frequency.get(term) ?? 0) + 1);
  return frequency;
}

function ring(distance: number, size: number): number {
  return (distance + size) % size;
}
