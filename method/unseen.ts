/** How much of a distribution a sample has seen, by how often its kinds were drawn. */
export interface Seen {
  readonly sample: number;
  /** Different kinds in it. */
  readonly kinds: number;
  /** Kinds that were drawn once, and twice. */
  readonly once: number;
  readonly twice: number;
  /** Chance that the next one drawn is of a kind that was seen, 0 to 1. */
  readonly coverage: number;
  /** Kinds that were not seen, at least; null where none was drawn twice, so that nothing tells how many there are. */
  readonly unseenAtLeast: number | null;
  /** Kinds seen after so many draws, in the order of drawing; the last one is the sample. */
  readonly curve: readonly { readonly sample: number; readonly kinds: number }[];
  /** New kinds that as many draws again are expected to bring. */
  readonly newInAsMany: number;
}

const CURVE_POINTS = 20;

/**
 * Coverage by Good and Turing in the form of Chao and Jost (2012), which uses the doubletons too; the unseen by Chao (1984), a lower
 * bound; and the new kinds of further draws by the extrapolation of Chao et al. (2014), equation 9. Of an empty sample nothing is seen.
 * Sources: Good (1953), Biometrika 40; Chao (1984), Scandinavian Journal of Statistics 11; Chao and Jost (2012), Ecology 93; Chao et al.
 * (2014), Ecological Monographs 84.
 * @param kinds of each draw, in the order of drawing
 */
export function seenOf(kinds: readonly (string | number)[]): Seen {
  const counts = new Map<string | number, number>();
  const every = Math.max(1, Math.ceil(kinds.length / CURVE_POINTS));
  const curve: { sample: number; kinds: number }[] = [];
  kinds.forEach((kind, index) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if ((index + 1) % every === 0 || index + 1 === kinds.length) curve.push({ sample: index + 1, kinds: counts.size });
  });
  const n = kinds.length;
  const once = [...counts.values()].filter((count) => count === 1).length;
  const twice = [...counts.values()].filter((count) => count === 2).length;
  const unseen = once === 0 ? 0 : (((n - 1) / n) * (twice > 0 ? once ** 2 / twice : once * (once - 1))) / 2;
  return {
    sample: n,
    kinds: counts.size,
    once,
    twice,
    coverage: n === 0 ? 0 : 1 - missed(n, once, twice),
    unseenAtLeast: once > 0 && twice === 0 ? null : unseen,
    curve,
    newInAsMany: unseen === 0 ? 0 : unseen * (1 - (1 - once / (n * unseen + once)) ** n),
  };
}

/** Chance that the next draw is of an unseen kind. */
function missed(n: number, once: number, twice: number): number {
  if (once === 0) return 0;
  const others = twice > 0 ? (n - 1) * once + 2 * twice : (n - 1) * (once - 1) + 2;
  const factor = others === 0 ? 1 : ((n - 1) * (twice > 0 ? once : once - 1)) / others;
  // Where every draw was another kind the estimator has nothing to go by but Good and Turing's own.
  return Math.min(1, (once / n) * (once === n ? 1 : factor));
}
