import { createHash } from 'node:crypto';
import { newDataSets, type NewDataSet } from '../../config/new-data';
import type { RunSpec } from '../../config/spec';
import { canonicalJson } from '../../method/canonical-json';
import type { Conversation } from '../../method/records';
import { weightedRows } from '../../method/weighted-rows';
import { fileSha256 } from '../store/file-hash';
import { conversationOf, saysMore } from './conversation-rows';
import { DataFileError } from './data-file-error';
import { readPlacedRows } from './placed-rows';

/** Version of how rows are read that say more than who said what, and of sets that are no single file. */
const READER = 1;

/**
 * Identity of the new data: of a file with conversations of who said what, the file's SHA-256, as in keys made when there was
 * nothing else; of all else a hash of the files' hashes, of how the rows are read, and of what is fetched from where.
 * @throws DataFileError when a file cannot be read; the file system's error
 */
export async function newDataIdentity({ newData }: Pick<RunSpec['mix'], 'newData'>): Promise<string> {
  if (typeof newData === 'string') {
    const sha256 = await fileSha256(newData);
    return (await hasMore(newData)) ? identityOf([{ files: [sha256] }]) : sha256;
  }
  if (newData === undefined) return 'none';
  const sets = await Promise.all(
    newDataSets({ newData }).map(async ({ source, schema, weight }) => ({
      ...(source.from === 'files' ? { files: await Promise.all(source.files.map(fileSha256)) } : { hub: source }),
      schema,
      weight,
    })),
  );
  return identityOf(sets);
}

function identityOf(sets: readonly object[]): string {
  return createHash('sha256')
    .update(canonicalJson({ reader: READER, sets }))
    .digest('hex');
}

async function hasMore(path: string): Promise<boolean> {
  for await (const { row } of readPlacedRows(path)) {
    const { conversation } = conversationOf(row, null);
    if (conversation !== undefined && saysMore(conversation)) return true;
  }
  return false;
}

/**
 * All new data as conversations. Of one file, ids are line numbers, `n0000001`; of several, those of set and file before them.
 * Weights are applied by `seed`.
 * @param fetched rows of the sets that are not local, by their place in the list of sets
 * @throws DataFileError that names the file and the line, should a file have changed since it was checked
 */
export async function readNewData(
  mix: Pick<RunSpec['mix'], 'newData'>,
  seed: number,
  fetched: (index: number) => Promise<readonly Conversation[]>,
): Promise<Conversation[]> {
  const sets = newDataSets(mix);
  const single = sets.length === 1 && sets[0]!.source.from === 'files' && sets[0]!.source.files.length === 1;
  const read: { weight: number; rows: readonly Conversation[] }[] = [];
  for (const [index, set] of sets.entries()) {
    const rows = set.source.from === 'hub' ? await fetched(index) : await readSet(set, single ? undefined : index);
    read.push({ weight: set.weight, rows });
  }
  return weightedRows(read, seed);
}

async function readSet({ source, schema }: NewDataSet, index: number | undefined): Promise<Conversation[]> {
  const rows: Conversation[] = [];
  for (const [file, path] of (source.from === 'files' ? source.files : []).entries()) {
    const prefix = index === undefined ? 'n' : `n${index}.${file}.`;
    for await (const { number, place, row, problem: unread } of readPlacedRows(path)) {
      const { conversation, problem } =
        unread === undefined ? conversationOf(row, schema) : { conversation: undefined, problem: undefined };
      if (conversation === undefined) {
        const reason = problem === undefined ? unread! : `${problem.path} is ${problem.value} where ${problem.expected} belongs`;
        throw new DataFileError(path, `${place}: ${reason}`, 'fix that row');
      }
      rows.push({ id: `${prefix}${String(number).padStart(7, '0')}`, ...conversation });
    }
  }
  return rows;
}
