import { hash32 } from '../../method/hash';
import { foldText } from '../../method/quality/fold';
import { NearDuplicateIndex } from '../../method/quality/near-duplicates';
import type { MixtureRow } from '../../method/records';
import { excerpt, type Excerpt } from './examples';
import { topicMap } from './topic-map';

export type DataSource = MixtureRow['source'];

/** Conversations of one source by the length of one side of them. */
export interface LengthReport {
  readonly source: DataSource;
  readonly side: 'instruction' | 'answer';
  /** Characters, at these parts of the sorted lengths. */
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
  readonly longest: number;
  /** Conversations with `from` to below `2 x from` characters; of none only 0. */
  readonly bins: readonly { readonly from: number; readonly count: number }[];
}

/** Instructions that an earlier one of the mixture repeats. */
export interface DuplicateReport {
  /** Instructions that were compared: all, or a sample by the seed. */
  readonly compared: number;
  readonly exact: number;
  /** Alike beyond the threshold, but not the same. */
  readonly near: number;
  /** Of both: new data that repeats an instruction of the replay set. */
  readonly newInReplay: number;
  readonly threshold: number;
}

export interface Topic {
  readonly x: number;
  readonly y: number;
  readonly terms: readonly string[];
  readonly replay: number;
  readonly new: number;
  /** The instruction nearest to the middle. */
  readonly example: Excerpt;
}

export interface TopicReport {
  readonly points: readonly { readonly x: number; readonly y: number; readonly source: DataSource }[];
  /** The largest first. */
  readonly topics: readonly Topic[];
  /** Conversations on the map, of all of the mixture. */
  readonly shown: number;
  readonly all: number;
}

/** What the main variant was trained on, as texts. */
export interface DataReport {
  readonly lengths: readonly LengthReport[];
  readonly duplicates: DuplicateReport;
  /** Null where there are too few conversations. */
  readonly map: TopicReport | null;
}

/** Points that can be told apart on a plot; UMAP takes some seconds for them. */
const MAPPED = 500;
/** Beyond, duplicates are looked for in a sample. */
const COMPARED = 20_000;
/** The filters' own defaults. */
const NEAR = { threshold: 0.8, shingleSize: 5, permutations: 128 };
const CHARACTERS_READ = 2_000;
const EXAMPLE_CHARACTERS = 200;

/** Lengths, duplicates and topics of a mixture. */
export function reportTrainingData(rows: readonly MixtureRow[], seed: number): DataReport {
  return { lengths: lengths(rows), duplicates: duplicates(sampled(rows, COMPARED, seed)), map: topics(rows, seed) };
}

function lengths(rows: readonly MixtureRow[]): LengthReport[] {
  const sides = { instruction: 'user', answer: 'assistant' } as const;
  return (['replay', 'new'] as const).flatMap((source) =>
    (['instruction', 'answer'] as const).flatMap((side): LengthReport[] => {
      const values = rows
        .filter((row) => row.source === source)
        .map(({ messages }) => messages.reduce((sum, { role, content }) => (role === sides[side] ? sum + content.length : sum), 0))
        .sort((a, b) => a - b);
      if (values.length === 0) return [];
      const at = (part: number): number => values[Math.round(part * (values.length - 1))]!;
      const bins = new Map<number, number>();
      for (const value of values) {
        const from = value === 0 ? 0 : 2 ** Math.floor(Math.log2(value));
        bins.set(from, (bins.get(from) ?? 0) + 1);
      }
      return [
        {
          source,
          side,
          p10: at(0.1),
          median: at(0.5),
          p90: at(0.9),
          longest: values.at(-1)!,
          bins: [...bins].sort(([a], [b]) => a - b).map(([from, count]) => ({ from, count })),
        },
      ];
    }),
  );
}

/** The replay set first, so that new data is what repeats it. */
function duplicates(rows: readonly MixtureRow[]): DuplicateReport {
  const known = new Map<string, DataSource>();
  const sources = new Map<string, DataSource>();
  const index = new NearDuplicateIndex(NEAR);
  const found = { exact: 0, near: 0, newInReplay: 0 };
  for (const row of [...rows.filter(({ source }) => source === 'replay'), ...rows.filter(({ source }) => source === 'new')]) {
    const folded = foldText(firstInstruction(row));
    const same = known.get(folded);
    const alike = same === undefined ? index.findOrKeep(row.id, folded) : undefined;
    const of = same ?? (alike === undefined ? undefined : sources.get(alike.id));
    if (same !== undefined) found.exact++;
    else if (alike !== undefined) found.near++;
    if (row.source === 'new' && of === 'replay') found.newInReplay++;
    known.set(folded, same ?? row.source);
    sources.set(row.id, row.source);
  }
  return { compared: rows.length, ...found, threshold: NEAR.threshold };
}

function topics(rows: readonly MixtureRow[], seed: number): TopicReport | null {
  const shown = sampled(rows, MAPPED, seed);
  const map = topicMap(
    shown.map(({ messages }) =>
      messages
        .map(({ content }) => content)
        .join('\n')
        .slice(0, CHARACTERS_READ),
    ),
    seed,
  );
  if (map === undefined) return null;
  const described = map.topics.flatMap(({ x, y, terms }, topic): Topic[] => {
    const members = shown.flatMap((row, index) => (map.texts[index]!.topic === topic ? [{ row, place: map.texts[index]! }] : []));
    if (members.length === 0) return [];
    const far = ({ place }: (typeof members)[number]): number => (place.x - x) ** 2 + (place.y - y) ** 2;
    const middle = members.reduce((nearest, member) => (far(member) < far(nearest) ? member : nearest));
    const of = (source: DataSource): number => members.filter(({ row }) => row.source === source).length;
    return [{ x, y, terms, replay: of('replay'), new: of('new'), example: excerpt(firstInstruction(middle.row), EXAMPLE_CHARACTERS) }];
  });
  return {
    points: shown.map(({ source }, index) => ({ x: map.texts[index]!.x, y: map.texts[index]!.y, source })),
    topics: described.sort((a, b) => b.replay + b.new - a.replay - a.new),
    shown: shown.length,
    all: rows.length,
  };
}

function firstInstruction({ messages }: MixtureRow): string {
  return messages.find(({ role }) => role === 'user')?.content ?? '';
}

/** At most `count` rows, drawn by the seed, in their order. */
function sampled(rows: readonly MixtureRow[], count: number, seed: number): readonly MixtureRow[] {
  if (rows.length <= count) return rows;
  const ranked = rows
    .map((row, index) => ({ index, rank: hash32(`${seed}|data|${row.id}`) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index);
  return ranked
    .slice(0, count)
    .map(({ index }) => index)
    .sort((a, b) => a - b)
    .map((index) => rows[index]!);
}
