import { hash32 } from '../../method/hash';
import { tellingTerms } from '../../method/topics/telling-terms';
import { FEWEST_TEXTS, topicMap } from '../../report/gather/topic-map';
import type { RunPlan } from '../../stages/run-plan';
import { TopicGuess } from './topic-guess';
import type { Params, ViewDatabase } from './view-database';

/** Instructions that are placed on the map; the others get the topic whose words they share. */
const MAPPED = 600;
/** The map is made again when there are this many times as many instructions. */
const GROWN = 1.25;
const CHARACTERS_READ = 2_000;
const TEXTS_A_TURN = 500;

/** What of a run's index is read and written. */
interface TopicIndex {
  readonly schema: string;
  readonly plan: RunPlan;
  rows<Row>(sql: (schema: string) => string, params?: Params): Promise<Row[]>;
}

/** Whether the map is of far fewer instructions than there are, or of those that have gone. */
export async function topicsAreStale(index: TopicIndex): Promise<boolean> {
  const [row] = await index.rows<{ texts: number; placed: number }>(
    (s) =>
      `SELECT (SELECT count(*)::INTEGER FROM ${s}.items WHERE text IS NOT NULL) AS texts, (SELECT count(*)::INTEGER FROM ${s}.places) AS placed`,
  );
  const { texts, placed } = row ?? { texts: 0, placed: 0 };
  return texts >= FEWEST_TEXTS && (texts >= placed * GROWN || texts < placed || (placed < texts && texts <= MAPPED));
}

/** Makes the map of topics of a run's instructions, from a sample by the seed, and finds the topic of all others. */
export async function indexTopics(database: ViewDatabase, index: TopicIndex): Promise<void> {
  const { seed } = index.plan.spec;
  const ids = (await index.rows<{ id: string }>((s) => `SELECT id FROM ${s}.items WHERE text IS NOT NULL ORDER BY id`)).map(({ id }) => id);
  const drawn = ids
    .map((id) => ({ id, rank: hash32(`${seed}|view|${id}`) }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, MAPPED)
    .map(({ id }) => id);
  const read = async (wanted: readonly string[]): Promise<Map<string, string>> => {
    const rows = await index.rows<{ id: string; text: string }>(
      (s) => `SELECT id, left(text, ${CHARACTERS_READ}) AS text FROM ${s}.items WHERE id IN (SELECT unnest($wanted))`,
      { wanted },
    );
    return new Map(rows.map(({ id, text }) => [id, text]));
  };
  const texts = await read(drawn);
  const sample = drawn.map((id) => ({ id, text: texts.get(id)! }));
  const map = topicMap(
    sample.map(({ text }) => text),
    seed,
  );
  if (map === undefined) return;
  const guess = new TopicGuess(sample.map(({ text }, at) => ({ terms: tellingTerms(text), topic: map.texts[at]!.topic })));
  const placed = new Map(sample.map(({ id }, at) => [id, map.texts[at]!]));
  const rows: { id: string; topic: number | null; x: number | null; y: number | null }[] = [];
  // Some at a time: all texts of a large run do not belong into memory, and other work of the process gets its turn.
  for (let start = 0; start < ids.length; start += TEXTS_A_TURN) {
    const turn = ids.slice(start, start + TEXTS_A_TURN);
    const textsOfTurn = await read(turn);
    for (const id of turn) {
      const place = placed.get(id);
      rows.push(
        place === undefined ? { id, topic: guess.of(tellingTerms(textsOfTurn.get(id)!)) ?? null, x: null, y: null } : { id, ...place },
      );
    }
  }
  await database.transaction(async (run, connection) => {
    await run(`USE ${index.schema}`);
    await run('DELETE FROM places');
    await run('DELETE FROM topics');
    const appender = await connection.createAppender('places', 'main', index.schema);
    for (const { id, topic, x, y } of rows) {
      appender.appendVarchar(id);
      if (topic === null) appender.appendNull();
      else appender.appendInteger(topic);
      for (const value of [x, y]) {
        if (value === null) appender.appendNull();
        else appender.appendDouble(value);
      }
      appender.endRow();
    }
    appender.closeSync();
    for (const [topic, { x, y, terms }] of map.topics.entries()) {
      await run('INSERT INTO topics SELECT $topic, $x, $y, $terms, (SELECT count(*) FROM places WHERE topic = $topic)', {
        topic,
        x: x + 0,
        y: y + 0,
        terms: [...terms],
      });
    }
  });
}
