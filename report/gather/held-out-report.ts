import type { RunSpec } from '../../config/spec';
import { canonicalJson } from '../../method/canonical-json';
import { HELD_OUT_SETS, type HeldOutRow, type HeldOutSet } from '../../method/hold-out';
import { comparePaired, type PairedComparison } from '../../method/paired-comparison';
import type { HeldOutLossRow } from '../../stages/evaluate-loss';
import { sha256 } from '../../stages/sha256';
import { type Change, correctedChanges } from './change';
import type { VariantSource } from './comparison-report';
import type { VariantKind } from './variant-kind';

/** One variant's loss on a held-out set. */
export interface HeldOutVariant {
  readonly name: string;
  readonly kind: VariantKind;
  /** New data, 0 to 1 of the examples that it was trained on; null while it is not mixed, and for the official model. */
  readonly share: number | null;
  /** Whether it was trained otherwise than the other rows. */
  readonly otherTraining: boolean;
  /** Mean over all assistant tokens, in nats. */
  readonly loss: number;
  /** Difference from the official model; null for that model itself, and where the same tokens were not measured. */
  readonly change: Change | null;
}

/** A set of conversations that no variant was trained on. */
export interface HeldOutSetReport {
  readonly set: HeldOutSet;
  readonly conversations: number;
  /** Assistant tokens, on which the loss is taken. */
  readonly tokens: number;
  /** Hash of the conversations, whatever they are called: two runs with the same one measured the same texts. Null when they are not in the store. */
  readonly content: string | null;
  readonly variants: readonly HeldOutVariant[];
}

interface Draft extends Omit<HeldOutVariant, 'change'> {
  readonly comparison: PairedComparison | null;
}

/**
 * The losses of every variant on every held-out set, with the difference from the official model on the same
 * conversations: intervals by paired bootstrap, p by a paired permutation test, each conversation counting by its tokens. p is corrected
 * over all of them (Holm).
 * Sets that are not measured yet are left out.
 * @param kept the conversations themselves
 */
export function reportHeldOut(
  { seed }: Pick<RunSpec, 'seed'>,
  sources: readonly VariantSource[],
  kept: readonly HeldOutRow[] = [],
): HeldOutSetReport[] {
  const official = sources.find(({ variant }) => variant.replay === null)?.evaluation?.losses ?? [];
  const drafts = HELD_OUT_SETS.flatMap((set) => {
    const before = rowsOf(official, set);
    const variants = sources.flatMap(
      ({ variant: { name, replay, train }, mixture, evaluation }): (Draft & { readonly rows: readonly HeldOutLossRow[] })[] => {
        const rows = rowsOf(evaluation?.losses ?? [], set);
        if (rows.length === 0) return [];
        const [kind, share] = [replay?.kind ?? 'official', mixture?.share ?? null] as const;
        return [
          {
            name,
            kind,
            share,
            otherTraining: train !== undefined,
            rows,
            loss: meanLoss(rows),
            comparison: replay === null ? null : difference(before, rows, { name: `${name}/held-out/${set}`, seed }),
          },
        ];
      },
    );
    const [first] = variants;
    return first === undefined
      ? []
      : [
          {
            set,
            conversations: first.rows.length,
            tokens: sum(first.rows.map(({ tokens }) => tokens)),
            content: contentOf(kept, set),
            variants,
          },
        ];
  });
  const changeOf = correctedChanges(drafts.flatMap(({ variants }) => variants.flatMap(({ comparison }) => comparison ?? [])));
  return drafts.map(({ variants, ...set }) => ({
    ...set,
    variants: variants.map(({ name, kind, share, otherTraining, loss, comparison }) => ({
      name,
      kind,
      share,
      otherTraining,
      loss,
      change: changeOf(comparison),
    })),
  }));
}

/** Null unless both models were measured on the very same conversations and tokens. */
function difference(
  before: readonly HeldOutLossRow[],
  after: readonly HeldOutLossRow[],
  options: { readonly name: string; readonly seed: number },
): PairedComparison | null {
  const same =
    before.length === after.length && before.every(({ id, tokens }, index) => after[index]!.id === id && after[index]!.tokens === tokens);
  if (!same || before.length === 0) return null;
  return comparePaired(
    [{ differences: after.map(({ loss }, index) => loss - before[index]!.loss), weights: after.map(({ tokens }) => tokens), scale: 1 }],
    options,
  );
}

/** In the order of the texts, since ids are a run's own. */
function contentOf(kept: readonly HeldOutRow[], set: HeldOutSet): string | null {
  const texts = kept
    .filter((row) => row.set === set)
    .map(({ messages, cut = false }) => canonicalJson({ messages: messages.map(({ role, content }) => ({ role, content })), cut }));
  return texts.length === 0 ? null : sha256(texts.sort().join('\n'));
}

/** Rows of a set, by their ids. */
function rowsOf(rows: readonly HeldOutLossRow[], set: HeldOutSet): HeldOutLossRow[] {
  return rows.filter((row) => row.set === set).sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function meanLoss(rows: readonly HeldOutLossRow[]): number {
  return sum(rows.map(({ loss, tokens }) => loss * tokens)) / sum(rows.map(({ tokens }) => tokens));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
