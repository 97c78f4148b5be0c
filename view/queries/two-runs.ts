import type { RunIndex } from '../index/run-index';
import { PAGE_ROWS } from './instruction-list';

/** An instruction that two runs share, and what each kept. */
export interface SharedInstruction {
  readonly id: string;
  readonly text: string;
  readonly generatorA: string | null;
  readonly generatorB: string | null;
  readonly meanA: number | null;
  readonly meanB: number | null;
  readonly answerA: string | null;
  readonly answerB: string | null;
}

export interface TwoRuns {
  /** Instructions with the same id and the same text. */
  readonly shared: number;
  readonly onlyA: number;
  readonly onlyB: number;
  readonly meanA: number | null;
  readonly meanB: number | null;
  /** Shared instructions of which both kept an answer, and another one. */
  readonly otherAnswer: number;
}

/** Two runs of the store beside one another. Rows with other answers come first, then those whose scores are furthest apart. */
export async function compareTwoRuns(
  a: RunIndex,
  b: RunIndex,
  page: number,
): Promise<{ readonly totals: TwoRuns; readonly rows: SharedInstruction[] }> {
  const joined = (s: string): string => `${s}.items a JOIN ${b.schema}.items b ON b.id = a.id AND b.text = a.text`;
  const [totals] = await a.rows<TwoRuns>(
    (s) => `
      SELECT (SELECT count(*)::INTEGER FROM ${joined(s)}) AS shared,
        (SELECT count(*)::INTEGER FROM ${s}.items a WHERE text IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${b.schema}.items b WHERE b.id = a.id AND b.text = a.text)) AS onlyA,
        (SELECT count(*)::INTEGER FROM ${b.schema}.items b WHERE text IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${s}.items a WHERE b.id = a.id AND b.text = a.text)) AS onlyB,
        (SELECT avg(mean) FROM ${s}.items) AS meanA, (SELECT avg(mean) FROM ${b.schema}.items) AS meanB,
        (SELECT count(*)::INTEGER FROM ${joined(s)} WHERE a.answer <> b.answer) AS otherAnswer`,
  );
  const rows = await a.rows<SharedInstruction>(
    (s) => `
      SELECT a.id, left(a.text, 400) AS text, a.generator AS generatorA, b.generator AS generatorB, a.mean AS meanA, b.mean AS meanB,
        left(a.answer, 1500) AS answerA, left(b.answer, 1500) AS answerB
      FROM ${joined(s)}
      ORDER BY (a.answer IS NOT DISTINCT FROM b.answer), abs(coalesce(a.mean, 0) - coalesce(b.mean, 0)) DESC, a.id
      LIMIT ${PAGE_ROWS} OFFSET $offset`,
    { offset: page * PAGE_ROWS },
  );
  return { totals: totals!, rows };
}
