/** Part of an index file's name: one that was made with other tables is not opened. */
export const INDEX_VERSION = 3;

/** Tables of a run's index: what is listed and filtered by, so that no click reads the judgments' Parquet. */
export const INDEX_TABLES = `
CREATE TABLE IF NOT EXISTS shards (shard INTEGER PRIMARY KEY, signature VARCHAR, parts INTEGER);
CREATE TABLE IF NOT EXISTS damage (shard INTEGER, text VARCHAR);
CREATE TABLE IF NOT EXISTS items (
  id VARCHAR, shard INTEGER, text VARCHAR, chars INTEGER, finish VARCHAR, dropped VARCHAR, language VARCHAR,
  answers INTEGER, judgments INTEGER, scored INTEGER,
  winner VARCHAR, generator VARCHAR, mean DOUBLE, answer VARCHAR, answerChars INTEGER,
  spread DOUBLE, finishes VARCHAR[], failures VARCHAR[], state VARCHAR, searched VARCHAR);
CREATE TABLE IF NOT EXISTS answers (
  id VARCHAR, item VARCHAR, shard INTEGER, generator VARCHAR, sample INTEGER, chars INTEGER, finish VARCHAR,
  mean DOUBLE, spread DOUBLE, scores DOUBLE[]);
CREATE TABLE IF NOT EXISTS failures (
  shard INTEGER, item VARCHAR, stage VARCHAR, id VARCHAR, model VARCHAR, reason VARCHAR, attempts INTEGER);
CREATE TABLE IF NOT EXISTS places (item VARCHAR, topic INTEGER, x DOUBLE, y DOUBLE);
CREATE TABLE IF NOT EXISTS topics (topic INTEGER, x DOUBLE, y DOUBLE, terms VARCHAR[], texts INTEGER);
`;
