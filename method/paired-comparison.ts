import { normalQuantile } from './normal';
import { bootstrapDifference, type Interval } from './paired-bootstrap';
import { fewestDocuments, standardError, sum, type ComparisonOptions, type PairedTask } from './paired-tasks';
import { signFlipTest, type SignFlipResult } from './sign-flip';

/** A difference of two models on the same documents. */
export interface PairedComparison extends Interval, SignFlipResult {
  /** Of the smallest task. */
  readonly documents: number;
  readonly tasks: readonly PairedTask[];
}

/** What can be said of a difference: that it is there, that none was seen, or that the documents are too few to say. */
export type Verdict = 'differs' | 'no difference seen' | 'too few to say';

/** Below this many documents of a task nothing is said. */
const FEWEST_DOCUMENTS = 20;

/** Level of the family of comparisons. */
const LEVEL = 0.05;

/** Chance with which {@link smallestChange} would have been found. */
const POWER = 0.8;

/** The mean difference with its interval (BCa) and its p (paired permutation test). @throws {MethodError} as both do */
export function comparePaired(tasks: readonly PairedTask[], options: ComparisonOptions): PairedComparison {
  return { ...bootstrapDifference(tasks, options), ...signFlipTest(tasks, options), documents: fewestDocuments(tasks), tasks };
}

/** @param adjustedP corrected for the family of comparisons */
export function verdictOf({ documents }: Pick<PairedComparison, 'documents'>, adjustedP: number): Verdict {
  if (documents < FEWEST_DOCUMENTS) return 'too few to say';
  return adjustedP < LEVEL ? 'differs' : 'no difference seen';
}

/**
 * The smallest true difference that these documents would have shown four times out of five: 2.8 standard errors for a single comparison,
 * more for one of a family, since the level is shared by all of it (Bonferroni, the hardest of Holm's steps). Where documents are right or
 * wrong it is at least what one document counts, times those that must all change to one side before the permutation test sees it.
 * Source: Card et al. (2020), With Little Power Comes Great Responsibility.
 * @param family number of comparisons
 * @returns null where the documents are too few for any difference, however large, or show no spread to judge by
 */
export function smallestChange(tasks: readonly PairedTask[], family: number): number | null {
  const level = LEVEL / family;
  const oneSided = Math.ceil(Math.log2(2 / level));
  const error = standardError(tasks);
  if (error === null || sum(tasks.map(({ differences }) => differences.length)) < oneSided) return null;
  const bySpread = error * (normalQuantile(1 - level / 2) + normalQuantile(POWER));
  const units = tasks.map(({ unit, scale, differences }) =>
    unit === undefined ? 0 : ((unit / differences.length) * scale) / tasks.length,
  );
  const smallest = Math.max(bySpread, oneSided * Math.min(...units));
  return smallest > 0 ? smallest : null;
}

/**
 * Holm's correction: p values of a family of comparisons, so that one wrong finding among all of them is as rare as the
 * level says. Holm (1979), Scandinavian Journal of Statistics 6.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const adjusted = new Array<number>(pValues.length).fill(1);
  let highest = 0;
  order.forEach(({ p, index }, rank) => {
    highest = Math.max(highest, Math.min(1, p * (pValues.length - rank)));
    adjusted[index] = highest;
  });
  return adjusted;
}
