import { type Scoring, SCORE_READINGS, SCORINGS } from '../../config/score-readings';
import { judgeAgreement, scoreHistogram, winShares, type Agreement, type ScoreBin, type WinShare } from '../../method/agreement';
import { hash32 } from '../../method/hash';
import type { Judgment } from '../../method/records';
import type { MeanScore } from '../../method/selection';

/** One judge's single scores. */
export interface JudgeScores {
  readonly judge: string;
  readonly scored: number;
  readonly unscored: number;
  readonly mean: number | null;
  readonly deviation: number | null;
  readonly bins: readonly ScoreBin[];
  /** Where probabilities are read: mean probability that the five ratings held together. */
  readonly ratingMass: number | null;
}

export interface ScoreReport {
  /** How scores were read: counts of judgments by `scoredBy` that gave a score. */
  readonly readings: Readonly<Record<Scoring, number>>;
  readonly judges: readonly JudgeScores[];
  /** Mean scores of all responses, and of those that were kept. */
  readonly means: { readonly all: readonly ScoreBin[]; readonly kept: readonly ScoreBin[] };
  readonly meanOfAll: number | null;
  readonly meanOfKept: number | null;
  readonly agreement: Agreement;
  /** Responses that agreement and preferences were computed from, and whether they are all there are. */
  readonly agreementSample: { readonly responses: number; readonly complete: boolean };
  readonly wins: readonly WinShare[];
  /** Kept instructions whose best mean was shared. */
  readonly tied: number;
  /** Kept answers that were cut at a token limit. */
  readonly cut: number;
  readonly kept: number;
}

/** Rank correlations need all values at once; beyond this many responses a seeded sample of instructions stands for them. */
const AGREEMENT_RESPONSES = 200_000;

interface Sum {
  count: number;
  sum: number;
  squares: number;
}

interface JudgeTally extends Sum {
  unscored: number;
  mass: number;
  massCount: number;
  bins: readonly ScoreBin[];
}

/** Collects the scores of a run instruction by instruction, in memory that does not grow with the run. */
export class ScoreTally {
  private readonly perJudge: ReadonlyMap<string, JudgeTally>;
  private readonly all: Sum = { count: 0, sum: 0, squares: 0 };
  private readonly winners: Sum = { count: 0, sum: 0, squares: 0 };
  private allBins: readonly ScoreBin[];
  private keptBins: readonly ScoreBin[];
  private readonly sample: { readonly model: string; readonly scores: Readonly<Record<string, number>> }[] = [];
  private complete = true;
  private readonly readings = Object.fromEntries(SCORINGS.map((scoring) => [scoring, 0])) as Record<Scoring, number>;
  private readonly wins = new Map<string, number>();
  private tied = 0;
  private cut = 0;

  constructor(
    private readonly options: {
      readonly judges: readonly string[];
      readonly generators: readonly string[];
      readonly scoring: Scoring;
      readonly seed: number;
      /** Responses that the whole run is to have. */
      readonly responses: number;
      readonly agreementResponses?: number;
    },
  ) {
    const empty = scoreHistogram([], this.singleWidth());
    this.perJudge = new Map(
      options.judges.map((judge) => [judge, { count: 0, sum: 0, squares: 0, unscored: 0, mass: 0, massCount: 0, bins: empty }]),
    );
    this.allBins = scoreHistogram([], this.meanWidth());
    this.keptBins = this.allBins;
  }

  /** Single scores of any number of judgments. */
  addJudgments(judgments: readonly Judgment[]): void {
    const scores = new Map<string, number[]>();
    for (const { judge, score, scoredBy, ratingMass } of judgments) {
      const tally = this.perJudge.get(judge);
      if (tally === undefined) continue; // meanScores has refused such a row already
      if (ratingMass !== undefined) {
        tally.mass += ratingMass;
        tally.massCount++;
      }
      if (score === null) {
        tally.unscored++;
        continue;
      }
      this.readings[scoredBy]++;
      addTo(tally, score);
      const values = scores.get(judge);
      if (values === undefined) scores.set(judge, [score]);
      else values.push(score);
    }
    for (const [judge, values] of scores) {
      const tally = this.perJudge.get(judge)!;
      tally.bins = added(tally.bins, scoreHistogram(values, this.singleWidth()));
    }
  }

  /** Mean scores of one instruction's responses. */
  addMeans(instructionId: string, means: readonly MeanScore[]): void {
    const values = means.flatMap(({ mean }) => (mean === null ? [] : [mean]));
    for (const value of values) addTo(this.all, value);
    this.allBins = added(this.allBins, scoreHistogram(values, this.meanWidth()));
    const { seed, responses, agreementResponses = AGREEMENT_RESPONSES } = this.options;
    const share = agreementResponses / Math.max(1, responses);
    if (share >= 1 || hash32(`${seed}|agreement|${instructionId}`) < share * 2 ** 32) {
      for (const { model, scores } of means) this.sample.push({ model, scores });
    } else {
      this.complete = false;
    }
  }

  /** A kept instruction. */
  addKept(kept: { readonly model: string; readonly meanScore: number; readonly tied: boolean; readonly cut: boolean }): void {
    addTo(this.winners, kept.meanScore);
    this.keptBins = added(this.keptBins, scoreHistogram([kept.meanScore], this.meanWidth()));
    this.wins.set(kept.model, (this.wins.get(kept.model) ?? 0) + 1);
    if (kept.tied) this.tied++;
    if (kept.cut) this.cut++;
  }

  result(): ScoreReport {
    const { judges, generators } = this.options;
    return {
      readings: { ...this.readings },
      judges: judges.map((judge) => {
        const { unscored, bins, mass, massCount, ...sum } = this.perJudge.get(judge)!;
        return {
          judge,
          scored: sum.count,
          unscored,
          bins,
          mean: meanOf(sum),
          deviation: deviationOf(sum),
          ratingMass: massCount === 0 ? null : mass / massCount,
        };
      }),
      means: { all: this.allBins, kept: this.keptBins },
      meanOfAll: meanOf(this.all),
      meanOfKept: meanOf(this.winners),
      agreement: judgeAgreement(this.sample, judges, generators),
      agreementSample: { responses: this.sample.length, complete: this.complete },
      wins: winShares(
        [...this.wins].flatMap(([model, count]) => new Array<string>(count).fill(model)),
        generators,
      ),
      tied: this.tied,
      cut: this.cut,
      kept: this.winners.count,
    };
  }

  private singleWidth(): number {
    return SCORE_READINGS[this.options.scoring].resolution;
  }

  /** Means of few whole ratings fall on thirds or quarters; bins between them would stay empty for no reason. */
  private meanWidth(): number {
    const { judges } = this.options;
    if (this.singleWidth() < 1) return this.singleWidth();
    return judges.length <= 4 ? 1 / judges.length : 0.25;
  }
}

function addTo(sum: Sum, value: number): void {
  sum.count++;
  sum.sum += value;
  sum.squares += value * value;
}

function meanOf({ count, sum }: Sum): number | null {
  return count === 0 ? null : sum / count;
}

function deviationOf({ count, sum, squares }: Sum): number | null {
  return count < 2 ? null : Math.sqrt(Math.max(0, (squares - (sum * sum) / count) / (count - 1)));
}

function added(a: readonly ScoreBin[], b: readonly ScoreBin[]): ScoreBin[] {
  return a.map(({ score, count }, index) => ({ score, count: count + b[index]!.count }));
}
