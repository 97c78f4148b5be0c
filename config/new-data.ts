import { PUBLIC_SETS, type ConversationSchema, type DatasetSource } from './replay-sets';
import type { RunSpec } from './spec';

type NewData = NonNullable<RunSpec['mix']['newData']>;
type NewDataEntry = Exclude<Extract<NewData, readonly unknown[]>[number], string>;
/** The same without its weight. */
type SetEntry = NewDataEntry extends infer Entry ? (Entry extends unknown ? Omit<Entry, 'weight'> : never) : never;

/** A set of conversations, as a spec names it. */
export interface NamedSet {
  /** As messages and reports call it. */
  readonly title: string;
  /** Where it stands in the spec, such as `mix.newData[1].files`. */
  readonly path: string;
  readonly source: DatasetSource;
  /** Null: each row tells by its columns. */
  readonly schema: ConversationSchema | null;
}

/** One set of new data. */
export interface NewDataSet extends NamedSet {
  readonly weight: number;
}

/** The sets of new data, whatever form the spec names them in; none in a spec of the replay set alone. */
export function newDataSets({ newData }: Pick<RunSpec['mix'], 'newData'>): NewDataSet[] {
  if (newData === undefined) return [];
  if (typeof newData === 'string') return [setOf(newData, 'mix.newData')];
  if (!Array.isArray(newData)) return [setOf(newData, 'mix.newData')];
  return newData.map((entry, index) => setOf(entry, `mix.newData[${index}]`));
}

function setOf(entry: string | NewDataEntry, path: string): NewDataSet {
  return { ...setNamed(entry, path), weight: typeof entry === 'string' ? 1 : entry.weight };
}

/** A file, or a data set in any of its forms. @param path where it stands in the spec */
export function setNamed(entry: string | SetEntry, path: string): NamedSet {
  if (typeof entry === 'string') return { title: entry, path, source: { from: 'files', files: [entry] }, schema: null };
  const named = 'set' in entry ? PUBLIC_SETS[entry.set] : undefined;
  const schema = ('set' in entry ? PUBLIC_SETS[entry.set].schema : entry.schema) ?? null;
  if ('files' in entry && entry.files !== undefined) {
    const title = named === undefined ? entry.files.join(', ') : `${named.title}, from local files`;
    return { title, path: `${path}.files`, source: { from: 'files', files: entry.files }, schema };
  }
  // Read whole, so never as a stream, of which the order is another one each time.
  const hub = { from: 'hub', config: null, streaming: false } as const;
  if ('set' in entry) {
    const { title, hub: id, splits } = PUBLIC_SETS[entry.set];
    return { title, path: `${path}.set`, source: { ...hub, hub: id, revision: entry.revision ?? null, splits }, schema };
  }
  if ('hub' in entry) {
    const { hub: id, revision = null, config = null, splits } = entry;
    return { title: id, path: `${path}.hub`, source: { ...hub, hub: id, revision, config, splits }, schema };
  }
  throw new Error(`${path} names no data; a validated spec cannot come here`);
}

/** The same new data with its relative paths made absolute. */
export function resolveNewData(newData: NewData | undefined, full: (path: string) => string): NewData | undefined {
  if (newData === undefined || typeof newData === 'string') return newData === undefined ? undefined : full(newData);
  return Array.isArray(newData)
    ? newData.map((entry) => (typeof entry === 'string' ? full(entry) : resolveSet(entry, full)))
    : resolveSet(newData, full);
}

/** The same set with its relative paths made absolute. */
export function resolveSet<Entry extends object>(entry: Entry, full: (path: string) => string): Entry {
  const { files } = entry as { readonly files?: readonly string[] };
  return files === undefined ? entry : { ...entry, files: files.map(full) };
}

/** In one line, for messages and pages. */
export function newDataTitle(mix: Pick<RunSpec['mix'], 'newData'>): string {
  return newDataSets(mix)
    .map(({ title, weight }) => (weight === 1 ? title : `${title} (weight ${weight})`))
    .join(', ');
}
