import type { LanguageDetector } from '../../method/quality/language';
import { rowsTable, type ShardFiles } from './shard-files';
import type { ShardState } from './shard-parts';
import type { Params, ViewDatabase } from './view-database';

export interface IndexShardsOptions {
  readonly database: ViewDatabase;
  /** Name under which the run's index is attached. */
  readonly schema: string;
  readonly judges: readonly string[];
  readonly shardSize: number;
  /** Whether an answer that was cut is none that is kept; where nothing is judged, the first answer is. */
  readonly withoutCut: boolean;
  readonly detect: LanguageDetector;
}

/** Of texts too short, or too mixed, to tell. */
const UNKNOWN_LANGUAGE = 'unsure';
/** Texts whose language is told before other work of the process gets its turn. */
const TEXTS_A_TURN = 100;

/** Puts shards into a run's index in place of what it had of them, all at once. */
export async function indexShards(
  { database, schema, judges, shardSize, withoutCut, detect }: IndexShardsOptions,
  shards: readonly ShardState[],
  { rows, failures, damage }: ShardFiles,
): Promise<void> {
  const languages = await languagesOf(database, rows.extract, detect);
  const numbers = shards.map(({ shard }) => String(shard));
  const ours = 'shard IN (SELECT unnest($shards)::INTEGER)';
  const judgeNames: Params = Object.fromEntries(judges.map((judge, index) => [`judge${index}`, judge]));
  const scores = judges.map((_, index) => `max(score) FILTER (WHERE judge = $judge${index})`).join(', ');
  const shardOf = (id: string): string => `CAST(substr(${id}, 2, 7) AS INTEGER) // $size`;

  const kept =
    judges.length > 0
      ? rowsTable('select', rows.select)
      : `(SELECT instructionId, id AS responseId, model, NULL::DOUBLE AS meanScore, text AS response FROM ${rowsTable('respond', rows.respond)}
          WHERE sample = 0${withoutCut ? " AND finishReason IS DISTINCT FROM 'length'" : ''})`;

  await database.transaction(async (run, connection) => {
    await run(`USE ${schema}`);
    await connection.run('CREATE TEMP TABLE languages (id VARCHAR, language VARCHAR)');
    const appender = await connection.createAppender('languages', 'main', 'temp');
    for (const [id, language] of languages) {
      appender.appendVarchar(id);
      appender.appendVarchar(language);
      appender.endRow();
    }
    appender.closeSync();

    for (const table of ['items', 'answers', 'failures', 'damage', 'shards']) {
      await run(`DELETE FROM ${table} WHERE ${ours}`, { shards: numbers });
    }
    await run(
      `INSERT INTO answers
       SELECT r.id, r.instructionId, ${shardOf('r.instructionId')}, r.model, r.sample, length(r.text), r.finishReason, s.mean, s.spread, s.scores
       FROM ${rowsTable('respond', rows.respond)} r
       LEFT JOIN (
         SELECT responseId, avg(score) AS mean, max(score) - min(score) AS spread, [${scores}] AS scores
         FROM ${rowsTable('judge', rows.judge)} GROUP BY responseId) s ON s.responseId = r.id`,
      { size: shardSize, respond: rows.respond, judge: rows.judge, ...judgeNames },
    );
    await run(
      `INSERT INTO failures
       SELECT ${shardOf('id')}, split_part(id, ':', 1), stage, id, model, reason, attempts
       FROM ${rowsTable('failures', failures)} WHERE regexp_matches(id, '^[ip][0-9]{7}')`,
      { size: shardSize, failures },
    );
    await run(
      `INSERT INTO items
       WITH given AS (
         SELECT item, count(*) AS answers, max(spread) AS spread, list_sort(list(DISTINCT coalesce(finish, 'not told'))) AS finishes
         FROM answers WHERE ${ours} GROUP BY item),
       judged AS (
         SELECT instructionId, count(DISTINCT id) AS judgments, count(DISTINCT id) FILTER (WHERE score IS NOT NULL) AS scored
         FROM ${rowsTable('judge', rows.judge)} GROUP BY instructionId),
       lost AS (SELECT item, list_sort(list(DISTINCT stage)) AS stages FROM failures WHERE ${ours} GROUP BY item),
       extracted AS (SELECT id, text, finishReason FROM ${rowsTable('extract', rows.extract)}),
       ids AS (SELECT id FROM extracted UNION SELECT item FROM lost)
       SELECT ids.id, ${shardOf('ids.id')}, e.text, length(e.text), e.finishReason,
         CASE WHEN f.kept THEN NULL ELSE f.reason END, l.language,
         coalesce(g.answers, 0), coalesce(j.judgments, 0), coalesce(j.scored, 0),
         s.responseId, s.model, s.meanScore, s.response, length(s.response),
         g.spread, coalesce(g.finishes, []), coalesce(lost.stages, []),
         CASE WHEN f.kept = false THEN 'dropped' WHEN s.responseId IS NOT NULL THEN 'kept'
              WHEN e.id IS NULL OR list_contains(lost.stages, 'select') THEN 'lost' ELSE 'open' END,
         lower(concat_ws(chr(10), e.text, s.response))
       FROM ids
       LEFT JOIN extracted e ON e.id = ids.id
       LEFT JOIN ${rowsTable('filter', rows.filter)} f ON f.instructionId = ids.id
       LEFT JOIN temp.languages l ON l.id = ids.id
       LEFT JOIN given g ON g.item = ids.id
       LEFT JOIN judged j ON j.instructionId = ids.id
       LEFT JOIN ${kept} s ON s.instructionId = ids.id
       LEFT JOIN lost ON lost.item = ids.id`,
      {
        size: shardSize,
        shards: numbers,
        extract: rows.extract,
        filter: rows.filter,
        judge: rows.judge,
        ...(judges.length > 0 ? { select: rows.select } : { respond: rows.respond }),
      },
    );
    for (const { shard, text } of damage) await run('INSERT INTO damage VALUES ($shard, $text)', { shard, text });
    for (const { shard, signature, outputs } of shards) {
      await run('INSERT INTO shards VALUES ($shard, $signature, $parts)', { shard, signature, parts: outputs.length });
    }
  });
}

async function languagesOf(database: ViewDatabase, files: readonly string[], detect: LanguageDetector): Promise<Map<string, string>> {
  if (files.length === 0) return new Map();
  const texts = await database.rows<{ id: string; text: string }>(`SELECT id, text FROM ${rowsTable('extract', files)}`, {
    extract: files,
  });
  const languages = new Map<string, string>();
  for (const [index, { id, text }] of texts.entries()) {
    if (index > 0 && index % TEXTS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    const { language, reliable } = detect(text);
    languages.set(id, reliable && language !== '' ? language : UNKNOWN_LANGUAGE);
  }
  return languages;
}
