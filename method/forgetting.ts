import { MethodError } from './method-error';

/** The paper's tasks (section 3.3), by the names that run specs use. */
export type LeaderboardTask = 'mmlu_pro' | 'gpqa' | 'ifeval' | 'math_level_5';

/** The score of guessing: ten options, four options, or none. */
const CHANCE: Readonly<Record<LeaderboardTask, number>> = { mmlu_pro: 0.1, gpqa: 0.25, ifeval: 0, math_level_5: 0 };

/** What guessing scores on any task: the leaderboard's number, else what the spec says, else 0. */
export function chanceOf(task: string, randomBaseline = 0): number {
  return Object.hasOwn(CHANCE, task) ? CHANCE[task as LeaderboardTask] : randomBaseline;
}

/**
 * The Open LLM Leaderboard's normalised score: 0 is chance or worse, 100 is perfect.
 * Source: the leaderboard's documentation on score normalisation.
 * @param raw the task's own metric, 0 to 1
 * @throws {MethodError} when `raw` is out of range.
 */
export function normalizeScore(task: LeaderboardTask, raw: number): number {
  if (!(raw >= 0 && raw <= 1)) throw new MethodError(`the raw score of ${task} is ${raw}; give a share from 0 to 1`);
  const chance = CHANCE[task];
  return Math.max(0, (raw - chance) / (1 - chance)) * 100;
}

/** A score with its standard error, null where the harness gives none. */
export interface Estimate {
  readonly value: number;
  readonly stderr: number | null;
}

/**
 * after - before of two estimates, as of independent samples. Where both models answered the same documents,
 * {@link compareSamples} gives a paired and hence smaller standard error.
 */
export function scoreDifference(before: Estimate, after: Estimate): Estimate {
  const stderr = before.stderr === null || after.stderr === null ? null : Math.hypot(before.stderr, after.stderr);
  return { value: after.value - before.value, stderr };
}

/** One document of a task, as one model answered it. */
export interface EvaluatedDocument {
  /** Hash of the document. */
  readonly docHash: string;
  /** Hash of the whole prompt that the model saw. */
  readonly promptHash: string;
  /** Null where the task has no right or wrong. */
  readonly correct: boolean | null;
}

/** What became of each document between two models. */
export interface Transitions {
  readonly comparable: true;
  /** Right before and after. */
  readonly retained: number;
  /** Right before, wrong after: forgetting itself. */
  readonly forgotten: number;
  /** Wrong before, right after. */
  readonly learned: number;
  /** Wrong before and after. */
  readonly neverRight: number;
  /** Documents without a right or wrong in either list. */
  readonly undecided: number;
  /** Documents of one list alone. */
  readonly onlyBefore: number;
  readonly onlyAfter: number;
  /** Docs that were forgotten and learned, sorted by hash, to look at. */
  readonly forgottenDocs: readonly string[];
  readonly learnedDocs: readonly string[];
  /** Mean of after - before over the decided documents, with its paired standard error; null without documents. */
  readonly difference: Estimate | null;
}

export type Comparison = Transitions | { readonly comparable: false; readonly reason: string };

/**
 * Joins two models' answers by document. Refused when a document's prompt differs between the lists (other few-shot
 * examples, other chat template, options in another order): then a change is not the model's alone.
 *
 * @throws {MethodError} when a list holds a document twice.
 */
export function compareSamples(before: readonly EvaluatedDocument[], after: readonly EvaluatedDocument[]): Comparison {
  const earlier = byDocument('before', before);
  const later = byDocument('after', after);
  const joined = [...earlier].flatMap(([docHash, was]) => {
    const is = later.get(docHash);
    return is === undefined ? [] : [{ docHash, was, is }];
  });
  const differing = joined.filter(({ was, is }) => was.promptHash !== is.promptHash).length;
  if (differing > 0) return { comparable: false, reason: `${differing} of ${joined.length} documents had another prompt` };
  if (joined.length === 0) return { comparable: false, reason: 'no document is in both lists' };

  const decided = joined.flatMap(({ docHash, was, is }) =>
    was.correct === null || is.correct === null ? [] : [{ docHash, was: was.correct, is: is.correct }],
  );
  const having = (was: boolean, is: boolean): string[] =>
    decided
      .filter((doc) => doc.was === was && doc.is === is)
      .map(({ docHash }) => docHash)
      .sort();
  const forgottenDocs = having(true, false);
  const learnedDocs = having(false, true);
  return {
    comparable: true,
    retained: having(true, true).length,
    forgotten: forgottenDocs.length,
    learned: learnedDocs.length,
    neverRight: having(false, false).length,
    undecided: joined.length - decided.length,
    onlyBefore: earlier.size - joined.length,
    onlyAfter: later.size - joined.length,
    forgottenDocs,
    learnedDocs,
    difference: pairedDifference(decided.map(({ was, is }) => Number(is) - Number(was))),
  };
}

/** Counts of transitions from which guessing has been taken out; not whole numbers. */
export interface AdjustedTransitions {
  readonly forgotten: number;
  readonly learned: number;
}

/**
 * What was forgotten and learned beyond guessing. In a multiple choice of k options a document that the model never knew
 * is right by chance once in k, before and after alike, which looks like forgetting and learning. With each document
 * known or guessed on either side, and guesses independent, wrong -> wrong counts the guesses on both sides, hence
 * forgotten = k / (k - 1) x (right -> wrong) - k / (k - 1)^2 x (wrong -> wrong), and learned likewise. The same idea as
 * the chance-adjusted transitions of arXiv 2510.17776; the formula is derived here. Without chance nothing changes.
 *
 * @param chance share that guessing gets right, 1 / k
 */
export function adjustForChance(
  { forgotten, learned, neverRight }: Pick<Transitions, 'forgotten' | 'learned' | 'neverRight'>,
  chance: number,
): AdjustedTransitions {
  if (!(chance >= 0 && chance < 1)) {
    throw new MethodError(`the chance of guessing right is ${chance}; give a share from 0 up to, but not, 1`);
  }
  if (chance === 0) return { forgotten, learned };
  const factor = 1 / (1 - chance);
  const guessed = chance * factor * factor * neverRight;
  return { forgotten: Math.max(0, factor * forgotten - guessed), learned: Math.max(0, factor * learned - guessed) };
}

/** Mean of differences with its standard error, sample deviation over root n; no error from a single document. */
function pairedDifference(differences: readonly number[]): Estimate | null {
  const n = differences.length;
  if (n === 0) return null;
  const value = differences.reduce((sum, difference) => sum + difference, 0) / n;
  if (n === 1) return { value, stderr: null };
  const squares = differences.reduce((sum, difference) => sum + (difference - value) ** 2, 0);
  return { value, stderr: Math.sqrt(squares / (n - 1) / n) };
}

function byDocument(list: string, documents: readonly EvaluatedDocument[]): Map<string, EvaluatedDocument> {
  const result = new Map<string, EvaluatedDocument>();
  for (const document of documents) {
    if (result.has(document.docHash)) {
      throw new MethodError(`the document ${document.docHash} is twice in the list ${list}; evaluate each document once`);
    }
    result.set(document.docHash, document);
  }
  return result;
}
