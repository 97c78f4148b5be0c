import { PUBLIC_SETS, type ConversationSchema } from './replay-sets';
import type { RunSpec } from './spec';
import type { DatasetSource } from './variants';

type NewData = NonNullable<RunSpec['mix']['newData']>;
type NewDataEntry = Exclude<Extract<NewData, readonly unknown[]>[number], string>;

/** One set of new data. */
export interface NewDataSet {
  /** As messages and reports call it. */
  readonly title: string;
  /** Where it stands in the spec, such as `mix.newData[1].files`. */
  readonly path: string;
  readonly source: DatasetSource;
  /** Null: each row tells by its columns. */
  readonly schema: ConversationSchema | null;
  readonly weight: number;
}

/** The sets of new data, whatever form the spec names them in; none in a spec of the replay set alone. */
export function newDataSets({ newData }: Pick<RunSpec['mix'], 'newData'>): NewDataSet[] {
  if (newData === undefined) return [];
  if (typeof newData === 'string') return [fileSet(newData, 'mix.newData')];
  if (!Array.isArray(newData)) return [setOf(newData, 'mix.newData')];
  return newData.map((entry, index) => {
    const path = `mix.newData[${index}]`;
    return typeof entry === 'string' ? fileSet(entry, path) : setOf(entry, path);
  });
}

function fileSet(file: string, path: string): NewDataSet {
  return { title: file, path, source: { from: 'files', files: [file] }, schema: null, weight: 1 };
}

function setOf(entry: NewDataEntry, path: string): NewDataSet {
  const { weight } = entry;
  const named = 'set' in entry ? PUBLIC_SETS[entry.set] : undefined;
  const schema = ('set' in entry ? PUBLIC_SETS[entry.set].schema : entry.schema) ?? null;
  if ('files' in entry && entry.files !== undefined) {
    const title = named === undefined ? entry.files.join(', ') : `${named.title}, from local files`;
    return { title, path: `${path}.files`, source: { from: 'files', files: entry.files }, schema, weight };
  }
  // Read whole, so never as a stream, of which the order is another one each time.
  const hub = { from: 'hub', config: null, streaming: false } as const;
  if ('set' in entry) {
    const { title, hub: id, splits } = PUBLIC_SETS[entry.set];
    return { title, path: `${path}.set`, source: { ...hub, hub: id, revision: entry.revision ?? null, splits }, schema, weight };
  }
  if ('hub' in entry) {
    const { hub: id, revision = null, config = null, splits } = entry;
    return { title: id, path: `${path}.hub`, source: { ...hub, hub: id, revision, config, splits }, schema, weight };
  }
  throw new Error(`${path} names no data; a validated spec cannot come here`);
}

/** The same new data with its relative paths made absolute. */
export function resolveNewData(newData: NewData | undefined, full: (path: string) => string): NewData | undefined {
  if (newData === undefined || typeof newData === 'string') return newData === undefined ? undefined : full(newData);
  const resolved = <Entry extends NewDataEntry>(entry: Entry): Entry =>
    'files' in entry && entry.files !== undefined ? { ...entry, files: entry.files.map(full) } : entry;
  return Array.isArray(newData) ? newData.map((entry) => (typeof entry === 'string' ? full(entry) : resolved(entry))) : resolved(newData);
}

/** In one line, for messages and pages. */
export function newDataTitle(mix: Pick<RunSpec['mix'], 'newData'>): string {
  return newDataSets(mix)
    .map(({ title, weight }) => (weight === 1 ? title : `${title} (weight ${weight})`))
    .join(', ');
}
