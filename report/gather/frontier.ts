import type { RunSpec } from '../../config/spec';
import { specOf } from '../../config/training-method';
import { variantsOf, type Variant } from '../../config/variants';
import { canonicalJson } from '../../method/canonical-json';
import type { Interval } from '../../method/paired-bootstrap';
import { paretoFront } from '../../method/pareto';
import type { Change } from './change';
import type { HeldOutSetReport } from './held-out-report';
import { kindOf, type VariantKind } from './variant-kind';

/** A row of the table, by what it learned and what it forgot, both in nats a token. */
export interface FrontierPoint {
  readonly name: string;
  readonly kind: VariantKind;
  /** Fall of the loss on the held-out new data. */
  readonly gain: Interval;
  /** Rise of the loss on what the model could say before. */
  readonly forgetting: Interval;
  /** Whether either rests on too few conversations to say that there is a difference. */
  readonly tooFew: boolean;
}

/** Rows that differ in one setting alone, in its order. */
export interface FrontierLine {
  /** Such as `share of new data`. */
  readonly setting: string;
  readonly rows: readonly { readonly name: string; readonly value: string }[];
}

export interface Frontier {
  /** Held-out set on which forgetting is measured: the model's own answers, else the replay set. */
  readonly measure: 'own' | 'replay';
  readonly points: readonly FrontierPoint[];
  /** Names of the rows that no other one beats, by rising gain. */
  readonly front: readonly string[];
  readonly lines: readonly FrontierLine[];
  readonly choice: Choice;
}

/** The row that learns most within a stated forgetting. */
export interface Choice {
  /** Nats a token. */
  readonly limit: number;
  /** Null where no trained row stays within it. */
  readonly name: string | null;
  /** `variants` of a spec that has this row, the official model, and the row that it is interpolated from, if it is; null without a row. */
  readonly variants: RunSpec['variants'] | null;
}

/** Forgetting that is taken as small where nobody says another, in nats a token: 5 % more perplexity. */
const DEFAULT_FORGETTING_LIMIT = 0.05;

/**
 * Gain on the new data against forgetting, a point a row: what answers which one to take. Undefined where the spec holds no new data
 * out, or neither own answers nor the replay set, or no trained row is measured on both.
 */
export function reportFrontier(
  spec: RunSpec,
  heldOut: readonly HeldOutSetReport[],
  limit = DEFAULT_FORGETTING_LIMIT,
): Frontier | undefined {
  const fresh = heldOut.find(({ set }) => set === 'new');
  const kept = heldOut.find(({ set }) => set === 'own') ?? heldOut.find(({ set }) => set === 'replay');
  if (fresh === undefined || kept === undefined) return undefined;
  const variants = variantsOf(spec);
  const points = variants.flatMap((variant): FrontierPoint[] => {
    const [learned, forgot] = [fresh, kept].map((set) => set.variants.find(({ name }) => name === variant.name)?.change ?? null) as [
      Change | null,
      Change | null,
    ];
    if (variant.replay === null) return [{ name: variant.name, kind: 'official', gain: NOTHING, forgetting: NOTHING, tooFew: false }];
    if (learned === null || forgot === null) return [];
    const tooFew = [learned, forgot].some(({ verdict }) => verdict === 'too few to say');
    return [{ name: variant.name, kind: kindOf(variant), gain: reversed(learned), forgetting: intervalOf(forgot), tooFew }];
  });
  if (points.every(({ kind }) => kind === 'official')) return undefined;
  const chosen = mostWithin(points, limit);
  const known = new Set(points.map(({ name }) => name));
  return {
    measure: kept.set === 'own' ? 'own' : 'replay',
    points,
    front: paretoFront(points.map(({ name, gain, forgetting }) => ({ name, gain: gain.value, cost: forgetting.value }))).map(
      ({ name }) => name,
    ),
    lines: frontierLines(spec, variants)
      .map(({ setting, rows }) => ({ setting, rows: rows.filter(({ name }) => known.has(name)) }))
      .filter(({ rows }) => rows.length > 1),
    choice: { limit, name: chosen, variants: chosen === null ? null : entriesOf(spec, variants, chosen) },
  };
}

const NOTHING: Interval = { value: 0, low: 0, high: 0 };

/** The whole interval has to stay within the limit; where there is none, the value. */
function mostWithin(points: readonly FrontierPoint[], limit: number): string | null {
  const within = points.filter(
    ({ kind, forgetting, gain }) => kind !== 'official' && gain.value > 0 && (forgetting.high ?? forgetting.value) <= limit,
  );
  if (within.length === 0) return null;
  return within.reduce((most, point) => (point.gain.value > most.gain.value ? point : most)).name;
}

/** What a spec's `variants` must have for one row. */
function entriesOf(spec: RunSpec, variants: readonly Variant[], name: string): RunSpec['variants'] {
  const entryOf = (wanted: string): RunSpec['variants'] => {
    const written = spec.variants.find((entry) => (typeof entry === 'string' ? entry : entry.name) === wanted);
    const swept = variants.find((variant) => variant.name === wanted);
    return written !== undefined ? [written] : swept === undefined ? [] : [{ name: wanted, replay: 'method', newShare: swept.newShare }];
  };
  const source = variants.find((variant) => variant.name === name)?.replay;
  return ['official', ...(source?.kind === 'interpolate' ? entryOf(source.of) : []), ...entryOf(name)];
}

/** Rows of one mixture and training but for the share of new data, for the learning rate, or for the weight of an interpolation. */
function frontierLines(spec: RunSpec, variants: readonly Variant[]): FrontierLine[] {
  const trained = variants.filter(({ replay }) => replay !== null && replay.kind !== 'interpolate');
  const official = variants.find(({ replay }) => replay === null);
  const rateOf = (variant: Variant): number => specOf(spec, variant).train.learningRate;
  return [
    ...along(
      'share of new data',
      trained,
      ({ newShare }) => newShare,
      (variant) => ({ replay: variant.replay, train: specOf(spec, variant).train }),
    ),
    ...along('learning rate', trained, rateOf, (variant) => ({
      replay: variant.replay,
      newShare: variant.newShare,
      train: { ...specOf(spec, variant).train, learningRate: 0 },
    })),
    ...trained.flatMap(({ name }): FrontierLine[] => {
      const between = variants
        .flatMap(({ name: own, replay }) =>
          replay?.kind === 'interpolate' && replay.of === name ? [{ name: own, weight: replay.weight }] : [],
        )
        .sort((a, b) => a.weight - b.weight);
      if (between.length === 0) return [];
      const ends = [...(official === undefined ? [] : [{ name: official.name, weight: 0 }]), ...between, { name, weight: 1 }];
      return [{ setting: `weight of ${name}`, rows: ends.map((row) => ({ name: row.name, value: String(row.weight) })) }];
    }),
  ];
}

function along(
  setting: string,
  variants: readonly Variant[],
  value: (variant: Variant) => number,
  rest: (variant: Variant) => unknown,
): FrontierLine[] {
  const groups = new Map<string, Variant[]>();
  for (const variant of variants) {
    const key = canonicalJson(rest(variant));
    groups.set(key, [...(groups.get(key) ?? []), variant]);
  }
  return [...groups.values()]
    .filter((group) => new Set(group.map(value)).size > 1)
    .map((group) => ({
      setting,
      rows: [...group].sort((a, b) => value(a) - value(b)).map((variant) => ({ name: variant.name, value: String(value(variant)) })),
    }));
}

function reversed({ value, low, high }: Interval): Interval {
  return { value: -value, low: high === null ? null : -high, high: low === null ? null : -low };
}

function intervalOf({ value, low, high }: Interval): Interval {
  return { value, low, high };
}
