import { krippendorffAlpha, mean, pearson, spearman, type Alpha, type Pair } from './correlation';
import { MethodError } from './method-error';
import type { MeanScore } from './selection';

/** How two judges agree, over the responses that both scored. */
export interface PairAgreement {
  readonly judges: readonly [string, string];
  readonly responses: number;
  readonly pearson: number | null;
  readonly spearman: number | null;
  /** Share of responses on which both gave the same whole rating, expected scores rounded first; null without responses. */
  readonly exact: number | null;
}

/** What a judge thinks of a generator. */
export interface Preference {
  readonly judge: string;
  readonly generator: string;
  readonly responses: number;
  /** Null when the judge scored none of its responses. */
  readonly mean: number | null;
}

/** A judge's view of its own responses against the other judges' view of the same responses. */
export interface SelfPreference {
  readonly judge: string;
  readonly responses: number;
  readonly ownMean: number;
  readonly othersMean: number;
  /** ownMean - othersMean, less the judge's general leniency: the same difference on everybody else's responses. */
  readonly excess: number | null;
}

export interface Agreement {
  readonly alpha: Alpha;
  readonly pairs: readonly PairAgreement[];
  /** Judge by generator, in the order of `judges`, then `generators`. */
  readonly preferences: readonly Preference[];
  readonly selfPreferences: readonly SelfPreference[];
}

/** How far the judges agree and whom they prefer. `means` are those of all instructions, from `meanScores`. */
export function judgeAgreement(
  means: readonly Pick<MeanScore, 'model' | 'scores'>[],
  judges: readonly string[],
  generators: readonly string[],
): Agreement {
  return {
    alpha: krippendorffAlpha(means.map(({ scores }) => judges.map((judge) => scores[judge] ?? null))),
    pairs: judges.flatMap((a, index) => judges.slice(index + 1).map((b) => pairAgreement(means, a, b))),
    preferences: judges.flatMap((judge) => generators.map((generator) => preference(means, judge, generator))),
    selfPreferences: judges.filter((judge) => generators.includes(judge)).flatMap((judge) => selfPreference(means, judge)),
  };
}

type Scored = readonly Pick<MeanScore, 'model' | 'scores'>[];

function pairAgreement(means: Scored, a: string, b: string): PairAgreement {
  const pairs = means.flatMap(({ scores }): Pair[] => {
    const [x, y] = [scores[a], scores[b]];
    return x === undefined || y === undefined ? [] : [[x, y]];
  });
  const same = pairs.filter(([x, y]) => Math.round(x) === Math.round(y)).length;
  return {
    judges: [a, b],
    responses: pairs.length,
    pearson: pearson(pairs),
    spearman: spearman(pairs),
    exact: pairs.length === 0 ? null : same / pairs.length,
  };
}

function preference(means: Scored, judge: string, generator: string): Preference {
  const given = means.flatMap(({ model, scores }) => (model === generator ? (scores[judge] ?? []) : []));
  return { judge, generator, responses: given.length, mean: given.length === 0 ? null : mean(given) };
}

/** Only responses that the judge and at least one other judge scored; empty when there are none. */
function selfPreference(means: Scored, judge: string): SelfPreference[] {
  const compared = means.flatMap(({ model, scores }) => {
    const { [judge]: own, ...others } = scores;
    const rest = Object.values(others);
    return own === undefined || rest.length === 0 ? [] : [{ model, own, others: mean(rest) }];
  });
  const mine = compared.filter(({ model }) => model === judge);
  const foreign = compared.filter(({ model }) => model !== judge);
  if (mine.length === 0) return [];
  const ownMean = mean(mine.map(({ own }) => own));
  const othersMean = mean(mine.map(({ others }) => others));
  const leniency = foreign.length === 0 ? null : mean(foreign.map(({ own, others }) => own - others));
  return [{ judge, responses: mine.length, ownMean, othersMean, excess: leniency === null ? null : ownMean - othersMean - leniency }];
}

export interface WinShare {
  readonly generator: string;
  readonly wins: number;
  /** Of all kept instructions, 0 to 1; null when none was kept. */
  readonly share: number | null;
}

/** How often each generator's response was kept, in the order of `generators`. `winners` are the models of the kept rows. */
export function winShares(winners: readonly string[], generators: readonly string[]): WinShare[] {
  const stranger = winners.find((model) => !generators.includes(model));
  if (stranger !== undefined) throw new MethodError(`${stranger} won, but is none of the generators ${generators.join(', ')}`);
  return generators.map((generator) => {
    const wins = winners.filter((model) => model === generator).length;
    return { generator, wins, share: winners.length === 0 ? null : wins / winners.length };
  });
}

/** Share of kept instructions whose best mean was shared by several responses; null when none was kept. */
export function tieShare(kept: readonly { readonly tied: boolean }[]): number | null {
  return kept.length === 0 ? null : kept.filter(({ tied }) => tied).length / kept.length;
}

export interface ScoreBin {
  /** The middle of the bin. */
  readonly score: number;
  readonly count: number;
}

/**
 * Counts scores in bins of `binWidth` around 1, 1 + binWidth, …, 5. Use 1 for whole ratings, less for expected scores and means.
 * @throws {MethodError} when a width does not divide the scale or a score is off it.
 */
export function scoreHistogram(scores: readonly number[], binWidth = 1): ScoreBin[] {
  const bins = 4 / binWidth;
  if (!(binWidth > 0) || !Number.isInteger(bins)) {
    throw new MethodError(`binWidth is ${binWidth}; give a part of the scale from 1 to 5, such as 1, 0.5 or 0.25`);
  }
  const counts = new Array<number>(bins + 1).fill(0);
  for (const score of scores) {
    if (!(score >= 1 && score <= 5)) throw new MethodError(`a score is ${score}; the scale is 1 to 5`);
    counts[Math.round((score - 1) / binWidth)]! += 1;
  }
  return counts.map((count, index) => ({ score: 1 + index * binWidth, count }));
}
