import type { RunIndex } from '../index/run-index';

export interface TopicRow {
  readonly topic: number;
  readonly x: number;
  readonly y: number;
  readonly terms: readonly string[];
  readonly texts: number;
  /** Of the answers that were kept. */
  readonly mean: number | null;
  readonly kept: number;
  readonly spread: number | null;
}

export interface Place {
  readonly id: string;
  readonly topic: number;
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/** The topics of a run's instructions, the largest first, and the instructions that are on the map. */
export async function topicsOf(index: RunIndex): Promise<{ readonly topics: TopicRow[]; readonly places: Place[] }> {
  return {
    topics: await index.rows<TopicRow>(
      (s) => `
        SELECT t.topic, any_value(t.x) AS x, any_value(t.y) AS y, any_value(t.terms) AS terms, any_value(t.texts) AS texts,
          avg(i.mean) AS mean, count(i.mean)::INTEGER AS kept, avg(i.spread) AS spread
        FROM ${s}.topics t JOIN ${s}.places p ON p.topic = t.topic JOIN ${s}.items i ON i.id = p.item
        GROUP BY t.topic ORDER BY texts DESC, t.topic`,
    ),
    places: await index.rows<Place>(
      (s) => `
        SELECT i.id, p.topic, p.x, p.y, left(i.text, 120) AS text FROM ${s}.places p JOIN ${s}.items i ON i.id = p.item
        WHERE p.x IS NOT NULL ORDER BY i.id`,
    ),
  };
}
