import type { RunIndex } from '../index/run-index';
import { PAGE_ROWS } from './instruction-list';

/** Two judges on the same answers. */
export interface JudgePair {
  readonly a: number;
  readonly b: number;
  readonly answers: number;
  /** Mean distance of their scores. */
  readonly apart: number | null;
  /** Mean of a - b: whether one is more lenient. */
  readonly bias: number | null;
}

export interface DisputedAnswer {
  readonly id: string;
  readonly item: string;
  readonly generator: string;
  readonly sample: number;
  readonly mean: number | null;
  readonly apart: number;
  /** By judge, in the order of the spec. */
  readonly scores: readonly (number | null)[];
  /** The instruction's beginning. */
  readonly text: string | null;
}

/** How every two judges of a run differ. */
export async function judgePairs(index: RunIndex): Promise<JudgePair[]> {
  const { judges } = index.plan.spec.synthesis.judge;
  const pairs = judges.flatMap((_, a) => judges.slice(a + 1).map((__, offset) => ({ a, b: a + 1 + offset })));
  if (pairs.length === 0) return [];
  // Places in a list, not texts: lists of DuckDB begin with 1.
  const columns = pairs.map(({ a, b }, at) => {
    const difference = `scores[${a + 1}] - scores[${b + 1}]`;
    return `count(${difference})::INTEGER AS answers${at}, avg(abs(${difference})) AS apart${at}, avg(${difference}) AS bias${at}`;
  });
  const [row] = await index.rows<Record<string, number | null>>((s) => `SELECT ${columns.join(', ')} FROM ${s}.answers`);
  return pairs.map((pair, at) => ({
    ...pair,
    answers: row?.[`answers${at}`] ?? 0,
    apart: row?.[`apart${at}`] ?? null,
    bias: row?.[`bias${at}`] ?? null,
  }));
}

/**
 * Answers on which judges differ most: all of them, or two.
 * @param pair places of two judges in the spec's list
 */
export async function disputedAnswers(
  index: RunIndex,
  { pair, page }: { readonly pair: { readonly a: number; readonly b: number } | undefined; readonly page: number },
): Promise<DisputedAnswer[]> {
  const apart = pair === undefined ? 'spread' : 'abs(scores[$a] - scores[$b])';
  return await index.rows<DisputedAnswer>(
    (s) => `
      WITH disputed AS (
        SELECT id, item, generator, sample, mean, ${apart} AS apart, scores FROM ${s}.answers
        WHERE ${apart} > 0 ORDER BY apart DESC, id LIMIT ${PAGE_ROWS} OFFSET $offset)
      SELECT d.*, left(i.text, 300) AS text FROM disputed d LEFT JOIN ${s}.items i ON i.id = d.item ORDER BY d.apart DESC, d.id`,
    { offset: page * PAGE_ROWS, ...(pair === undefined ? {} : { a: pair.a + 1, b: pair.b + 1 }) },
  );
}
