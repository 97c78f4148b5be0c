import { setNamed, type NamedSet } from './new-data';
import { PUBLIC_SETS, type ConversationSchema, type DatasetSource, type PublicSetName } from './replay-sets';
import type { RunSpec } from './spec';
import type { TrainOverrides } from './spec-train';
import type { OwnAnswerPick, ReplayName, VARIANT_NAMES } from './variant-names';

/** What the named variants mix with the new data, besides the official model, which is not trained, and the public sets. */
export const NAMED_REPLAYS = {
  method: 'method',
  'first-response': 'first-response',
  'target-best': 'target-best',
  'new-data-only': 'none',
} as const satisfies Readonly<Record<Exclude<(typeof VARIANT_NAMES)[number], 'official' | PublicSetName>, ReplayName>>;

export interface ReplayDataset {
  readonly kind: 'dataset';
  /** As a table calls it. */
  readonly title: string;
  readonly source: DatasetSource;
  readonly schema: ConversationSchema;
  readonly licence: string | null;
}

/** The prompts of a data set, answered by the target itself. */
export interface OwnAnswers {
  readonly kind: 'own-answers';
  readonly prompts: NamedSet;
  readonly licence: string | null;
  readonly pick: OwnAnswerPick;
}

/** What a variant mixes with the new data. */
export type ReplaySource =
  /** Best mean score of all responses by all judges. */
  | { readonly kind: 'method' }
  /** Ablation without filtering: the target model's own first response. */
  | { readonly kind: 'first-response' }
  /** Ablation without the other models: the best of the target model's responses, judged by it alone. */
  | { readonly kind: 'target-best' }
  /** New data alone. */
  | { readonly kind: 'none' }
  /** None of its own: weights between the official model and the row `of`, of which `weight` is the part. */
  | { readonly kind: 'interpolate'; readonly of: string; readonly weight: number }
  | OwnAnswers
  | ReplayDataset;

/** One row of the table. */
export interface Variant {
  /** Unique within a run; part of workflow ids. */
  readonly name: string;
  /** Null for the official model, which is only evaluated. */
  readonly replay: ReplaySource | null;
  /** Share of new data in the mixture, 0 to 1; 1 without replay. */
  readonly newShare: number;
  /** What it does otherwise than `train` says. */
  readonly train?: TrainOverrides;
}

type VariantSpec = RunSpec['variants'][number];
type ReplaySpec = Exclude<Extract<VariantSpec, { readonly replay?: unknown }>['replay'], string | undefined>;
type OwnAnswersSpec = Extract<ReplaySpec, { readonly ownAnswers: unknown }>;
type DatasetSpec = Exclude<ReplaySpec, OwnAnswersSpec>;

/** The rows of a spec's table, in its order, with those of its sweep at the end. */
export function variantsOf(spec: Pick<RunSpec, 'variants' | 'sweep' | 'mix'>): Variant[] {
  const base = spec.mix.newShare;
  const named = spec.variants.map((entry) => variantOf(entry, base));
  const swept = (spec.sweep?.newShare ?? [])
    .filter((newShare) => newShare !== base || !named.some(({ replay }) => replay?.kind === 'method'))
    .map((newShare): Variant => ({ name: `method-share-${newShare}`, replay: { kind: 'method' }, newShare }));
  return [...named, ...swept];
}

/** @param base share of new data where the entry names none */
function variantOf(entry: VariantSpec, base: number): Variant {
  if (entry === 'official') return { name: entry, replay: null, newShare: 0 };
  if (typeof entry === 'string') return replayed(entry, replayOf(isPublicSet(entry) ? { set: entry } : NAMED_REPLAYS[entry], entry), base);
  if ('interpolate' in entry) return { name: entry.name, replay: { kind: 'interpolate', ...entry.interpolate }, newShare: base };
  const { name, train, newShare = base } = entry;
  // A rival of the method is given what its users would give it: the new data alone; a distillation, which asks questions, the method's.
  const { replay = distils(train) ? 'method' : 'none' } = entry;
  return { ...replayed(name, replayOf(replay, name), newShare), ...(train === undefined ? {} : { train }) };
}

function distils(train: TrainOverrides | undefined): boolean {
  return train !== undefined && (train.method ?? (train.distill === undefined ? undefined : 'distill')) === 'distill';
}

function replayed(name: string, replay: ReplaySource, newShare: number): Variant {
  return { name, replay, newShare: replay.kind === 'none' ? 1 : newShare };
}

function replayOf(replay: ReplayName | ReplaySpec, variant: string): ReplaySource {
  if (typeof replay === 'string') return { kind: replay };
  return 'ownAnswers' in replay ? ownAnswersOf(replay, variant) : datasetOf(replay);
}

function ownAnswersOf({ ownAnswers, pick }: OwnAnswersSpec, variant: string): OwnAnswers {
  const prompts = setNamed(ownAnswers, `variants.${variant}.replay.ownAnswers`);
  const licence =
    typeof ownAnswers === 'string'
      ? null
      : 'set' in ownAnswers
        ? ownAnswers.files === undefined
          ? PUBLIC_SETS[ownAnswers.set].licence
          : null
        : (ownAnswers.licence ?? null);
  return { kind: 'own-answers', prompts, licence, pick };
}

function isPublicSet(name: string): name is PublicSetName {
  return Object.hasOwn(PUBLIC_SETS, name);
}

function datasetOf(dataset: DatasetSpec): ReplayDataset {
  if ('set' in dataset) return publicSet(dataset.set, dataset.revision, dataset.files);
  const { schema, licence = null } = dataset;
  if ('hub' in dataset) {
    const { hub, revision = null, config = null, splits } = dataset;
    return { kind: 'dataset', title: hub, source: { from: 'hub', hub, revision, config, splits, streaming: false }, schema, licence };
  }
  return { kind: 'dataset', title: dataset.files.join(', '), source: { from: 'files', files: dataset.files }, schema, licence };
}

function publicSet(name: PublicSetName, revision: string | undefined, files: readonly string[] | undefined): ReplayDataset {
  const { title, hub, splits, schema, licence, streaming } = PUBLIC_SETS[name];
  const source: DatasetSource =
    files === undefined ? { from: 'hub', hub, revision: revision ?? null, config: null, splits, streaming } : { from: 'files', files };
  // Files may hold anything in the set's columns.
  return { kind: 'dataset', title: files === undefined ? title : `${title}, from local files`, source, schema, licence };
}

/** As tables and pages call it. */
export function ownAnswersTitle({ pick, prompts }: Pick<OwnAnswers, 'pick' | 'prompts'>): string {
  return `the target’s own ${pick === 'first' ? 'first answers' : 'best answers'} to ${prompts.title}`;
}

/** Local files of a variant's data set, or of the prompts that the target answers; empty for all else. */
export function filesOf({ replay }: Variant): readonly string[] {
  const source = replay?.kind === 'dataset' ? replay.source : replay?.kind === 'own-answers' ? replay.prompts.source : undefined;
  return source?.from === 'files' ? source.files : [];
}
