import type { RunIndex } from '../index/run-index';
import { filterCondition, type InstructionFilter } from './instruction-filter';

export interface ListedInstruction {
  readonly id: string;
  /** Its beginning; null where the instruction itself was lost. */
  readonly text: string | null;
  readonly chars: number | null;
  readonly state: string;
  readonly dropped: string | null;
  readonly language: string | null;
  readonly generator: string | null;
  readonly mean: number | null;
  readonly spread: number | null;
  readonly answers: number;
  readonly judgments: number;
  readonly failures: readonly string[];
}

export const PAGE_ROWS = 50;
const SHOWN_CHARACTERS = 300;

/** One page of the instructions that a filter lets through, and how many they are. */
export async function listInstructions(
  index: RunIndex,
  filter: InstructionFilter,
  { page, flagged }: { readonly page: number; readonly flagged: readonly string[] },
): Promise<{ readonly rows: ListedInstruction[]; readonly found: number }> {
  const { where, order, params } = filterCondition(filter, { schema: index.schema, flagged });
  // Looked through once: the page and its count are of the same ids.
  const listed = await index.rows<ListedInstruction & { readonly found: number }>(
    (s) => `
      WITH matching AS MATERIALIZED (SELECT id, mean, spread, chars FROM ${s}.items WHERE ${where}),
      page AS (SELECT id FROM matching ORDER BY ${order} LIMIT ${PAGE_ROWS} OFFSET $offset)
      SELECT id, left(text, ${SHOWN_CHARACTERS}) AS text, chars, state, dropped, language, generator, mean, spread, answers, judgments, failures,
        (SELECT count(*)::INTEGER FROM matching) AS found
      FROM ${s}.items WHERE id IN (SELECT id FROM page) ORDER BY ${order}`,
    { ...params, offset: page * PAGE_ROWS },
  );
  const rows = listed.map(({ found: _found, ...row }) => row);
  if (listed[0] !== undefined || page === 0) return { rows, found: listed[0]?.found ?? 0 };
  const [counted] = await index.rows<{ found: number }>((s) => `SELECT count(*)::INTEGER AS found FROM ${s}.items WHERE ${where}`, params);
  return { rows, found: counted?.found ?? 0 };
}

/** The instructions before and after one, in the order of a list. */
export async function neighbours(
  index: RunIndex,
  id: string,
  filter: InstructionFilter,
  flagged: readonly string[],
): Promise<{ readonly before: string | null; readonly after: string | null; readonly place: number | null; readonly found: number }> {
  const { where, order, params } = filterCondition(filter, { schema: index.schema, flagged });
  const [row] = await index.rows<{ before: string | null; after: string | null; place: number; found: number }>(
    (s) => `
      SELECT before, after, place, found FROM (
        SELECT id, lag(id) OVER w AS before, lead(id) OVER w AS after, (row_number() OVER w)::INTEGER AS place, (count(*) OVER ())::INTEGER AS found
        FROM ${s}.items WHERE ${where} WINDOW w AS (ORDER BY ${order}))
      WHERE id = $id`,
    { ...params, id },
  );
  return row ?? { before: null, after: null, place: null, found: 0 };
}

/** What a run's instructions can be narrowed to, the commonest first. */
export interface Choices {
  readonly generators: readonly string[];
  readonly finishes: readonly string[];
  readonly languages: readonly { readonly name: string; readonly count: number }[];
  readonly failures: readonly string[];
  readonly states: readonly string[];
  readonly topics: readonly { readonly topic: number; readonly terms: readonly string[]; readonly texts: number }[];
}

/** They are looked up once for each state of the index. */
export async function choices(index: RunIndex): Promise<Choices> {
  return await index.once('choices', async () => await readChoices(index));
}

async function readChoices(index: RunIndex): Promise<Choices> {
  const names = async (sql: (schema: string) => string): Promise<string[]> =>
    (await index.rows<{ name: string }>(sql)).map(({ name }) => name);
  return {
    generators: await names((s) => `SELECT generator AS name FROM ${s}.items WHERE generator IS NOT NULL GROUP BY 1 ORDER BY 1`),
    finishes: await names((s) => `SELECT DISTINCT name FROM (SELECT unnest(finishes) AS name FROM ${s}.items) ORDER BY 1`),
    languages: await index.rows(
      (s) => `
      SELECT language AS name, count(*)::INTEGER AS count FROM ${s}.items WHERE language IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 40`,
    ),
    failures: await names((s) => `SELECT DISTINCT stage AS name FROM ${s}.failures ORDER BY 1`),
    states: await names((s) => `SELECT DISTINCT state AS name FROM ${s}.items ORDER BY 1`),
    topics: await index.rows((s) => `SELECT topic, terms, texts FROM ${s}.topics WHERE texts > 0 ORDER BY texts DESC, topic`),
  };
}
