import { documentFrequency } from './term-weights';

/**
 * The terms that tell a group of texts from all texts: those that add most to the divergence of the group from the whole,
 * p ln(p / q), with p and q the parts of the texts, in the group and in all, in which a term stands. Words that are everywhere, of
 * whatever language, have p = q and so add nothing.
 * @returns for each group its best terms, best first; only terms of at least two of its texts
 */
export function topicTerms(texts: readonly (readonly string[])[], groups: readonly number[], count: number): string[][] {
  const whole = documentFrequency(texts);
  return Array.from({ length: Math.max(-1, ...groups) + 1 }, (_, group) => {
    const members = texts.filter((_terms, index) => groups[index] === group);
    return [...documentFrequency(members)]
      .filter(([, documents]) => documents >= 2)
      .map(([term, documents]) => {
        const p = documents / members.length;
        return { term, score: p * Math.log(p / (whole.get(term)! / texts.length)) };
      })
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || (a.term < b.term ? -1 : 1))
      .slice(0, count)
      .map(({ term }) => term);
  });
}
