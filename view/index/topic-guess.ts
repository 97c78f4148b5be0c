/** A text on the map: its words, and its topic. */
export interface KnownTopic {
  readonly terms: readonly string[];
  readonly topic: number;
}

/** A word in fewer texts of the sample tells nothing. */
const FEWEST_TEXTS = 2;

/**
 * The topic of texts that are not on the map, by the words that they share with those that are: naive Bayes with presence of words
 * and add-one smoothing (Manning, Raghavan, Schütze, "Introduction to Information Retrieval", chapter 13), so that it takes one pass.
 */
export class TopicGuess {
  /** By word: in how many texts of each topic it stands. */
  private readonly counts = new Map<string, Map<number, number>>();
  private readonly sizes = new Map<number, number>();

  constructor(known: readonly KnownTopic[]) {
    for (const { terms, topic } of known) {
      this.sizes.set(topic, (this.sizes.get(topic) ?? 0) + 1);
      for (const term of new Set(terms)) {
        const topics = this.counts.get(term) ?? new Map<number, number>();
        topics.set(topic, (topics.get(topic) ?? 0) + 1);
        this.counts.set(term, topics);
      }
    }
    for (const [term, topics] of this.counts) {
      if ([...topics.values()].reduce((sum, count) => sum + count, 0) < FEWEST_TEXTS) this.counts.delete(term);
    }
  }

  /** The likeliest topic; undefined for a text without a word that the map knows. */
  of(terms: readonly string[]): number | undefined {
    const shared = [...new Set(terms)].flatMap((term) => this.counts.get(term) ?? []);
    if (shared.length === 0) return undefined;
    const all = [...this.sizes.values()].reduce((sum, size) => sum + size, 0);
    let best: { readonly topic: number; readonly likelihood: number } | undefined;
    for (const [topic, size] of this.sizes) {
      const likelihood = shared.reduce((sum, counts) => sum + Math.log(((counts.get(topic) ?? 0) + 1) / (size + 2)), Math.log(size / all));
      if (best === undefined || likelihood > best.likelihood) best = { topic, likelihood };
    }
    return best?.topic;
  }
}
