import { variantsOf } from '../../config/variants';
import { mixStage } from '../../stages/mix';
import { replayStage } from '../../stages/replay';
import type { OutputRef } from '../../stages/stage';
import type { RunIndex } from '../index/run-index';
import type { Params } from '../index/view-database';
import { PAGE_ROWS } from './instruction-list';

/** A turn of a conversation, as it is stored. */
export interface Turn {
  readonly role: string;
  readonly content?: unknown;
  readonly reasoning_content?: string | null;
  readonly tool_calls?: readonly object[] | null;
  readonly [key: string]: unknown;
}

export interface TrainingRow {
  readonly id: string;
  /** Of a mixture: `replay` or `new`. */
  readonly source: string | null;
  readonly messages: readonly Turn[];
  readonly tools: readonly object[] | null;
  /** Whether its last answer was cut at a token limit. */
  readonly cut: boolean;
}

/** What narrows the list, as it stands in a URL. */
export interface TrainingFilter {
  readonly variant: string | null;
  readonly source: string;
  readonly q: string;
}

export interface TrainingRows {
  /** Variants of which rows are stored. */
  readonly variants: readonly string[];
  readonly variant: string | undefined;
  /** The mixture where it is made, else the replay set alone. */
  readonly kind: 'mixture' | 'replay set';
  readonly rows: readonly TrainingRow[];
  readonly found: number;
}

interface StoredSet {
  readonly kind: TrainingRows['kind'];
  readonly files: readonly string[];
}

/** A page of the conversations that a variant is trained on. */
export async function trainingRows(index: RunIndex, filter: TrainingFilter, page: number): Promise<TrainingRows> {
  const { variants, variant, set } = await storedSet(index, filter.variant);
  if (set === undefined || set.files.length === 0) return { variants, variant, kind: set?.kind ?? 'mixture', rows: [], found: 0 };
  const { where, params } = condition(filter, set);
  const [counted] = await index.rows<{ found: number }>(() => `SELECT count(*)::INTEGER AS found FROM ${TABLE} WHERE ${where}`, params);
  const rows = await index.rows<StoredRow>(() => `SELECT * FROM ${TABLE} WHERE ${where} ORDER BY id LIMIT ${PAGE_ROWS} OFFSET $offset`, {
    ...params,
    offset: page * PAGE_ROWS,
  });
  return { variants, variant, kind: set.kind, rows: rows.map(rowOf), found: counted?.found ?? 0 };
}

export interface TrainingRowPlace {
  readonly row: TrainingRow;
  readonly before: string | null;
  readonly after: string | null;
  readonly place: number;
  readonly found: number;
}

/** One row, with its place in the list; undefined when the list has none of that id. */
export async function trainingRow(index: RunIndex, id: string, filter: TrainingFilter): Promise<TrainingRowPlace | undefined> {
  const { set } = await storedSet(index, filter.variant);
  if (set === undefined || set.files.length === 0) return undefined;
  const { where, params } = condition(filter, set);
  const [found] = await index.rows<Omit<TrainingRowPlace, 'row'>>(
    () => `
      SELECT before, after, place, found FROM (
        SELECT id, lag(id) OVER w AS before, lead(id) OVER w AS after, (row_number() OVER w)::INTEGER AS place, (count(*) OVER ())::INTEGER AS found
        FROM ${TABLE} WHERE ${where} WINDOW w AS (ORDER BY id))
      WHERE id = $id`,
    { ...params, id },
  );
  if (found === undefined) return undefined;
  const [row] = await index.rows<StoredRow>(() => `SELECT * FROM ${TABLE} WHERE id = $id LIMIT 1`, { files: set.files, id });
  return row === undefined ? undefined : { ...found, row: rowOf(row) };
}

const TABLE = 'read_parquet($files, union_by_name = true)';

/** The rows of the variant that is asked for, else of the first that has any. */
async function storedSet(
  { plan, opened: { stages }, files }: RunIndex,
  wanted: string | null,
): Promise<{ readonly variants: string[]; readonly variant: string | undefined; readonly set: StoredSet | undefined }> {
  const found = new Map<string, StoredSet>();
  for (const { name } of variantsOf(plan.spec)) {
    const keys = plan.keys.variants[name];
    const read = async (kind: StoredSet['kind'], { address }: OutputRef): Promise<void> => {
      const manifest = found.has(name) ? undefined : await stages.latestManifest(address);
      if (manifest === undefined) return;
      found.set(name, { kind, files: manifest.rows.rows === 0 ? [] : [await files(manifest, manifest.rows)] });
    };
    if (keys?.mix !== undefined) await read('mixture', mixStage.at(plan, name));
    if (keys?.replay !== undefined) await read('replay set', replayStage.at(plan, name));
  }
  const variants = [...found.keys()];
  const variant = variants.find((name) => name === wanted) ?? variants[0];
  return { variants, variant, set: variant === undefined ? undefined : found.get(variant) };
}

/** Texts are stored as JSON, so what is looked for is written as JSON too. */
function condition({ source, q }: TrainingFilter, { kind, files }: StoredSet): { readonly where: string; readonly params: Params } {
  const conditions = ['true'];
  const params: Record<string, string | readonly string[]> = { files };
  if (q !== '') {
    conditions.push('(contains(lower(messages), lower($q)) OR contains(lower(id), lower($id)))');
    params['q'] = JSON.stringify(q).slice(1, -1);
    params['id'] = q;
  }
  if (kind === 'mixture' && source !== '') {
    conditions.push('source = $source');
    params['source'] = source;
  }
  return { where: conditions.join(' AND '), params };
}

interface StoredRow {
  readonly id: string;
  readonly source?: string | null;
  readonly messages: string;
  readonly tools?: string | null;
  readonly cut?: boolean | null;
}

function rowOf({ id, source, messages, tools, cut }: StoredRow): TrainingRow {
  return {
    id,
    source: source ?? null,
    messages: JSON.parse(messages) as Turn[],
    tools: tools === undefined || tools === null ? null : (JSON.parse(tools) as object[]),
    cut: cut === true,
  };
}
