/** What one judge was asked, and what it gave no score for. */
export interface JudgeFailures {
  readonly judge: string;
  readonly asked: number;
  /** Judgments without a score, by reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** From this share on a judge fails often: an instruction of nine responses then hardly has all its scores. */
const OFTEN = 0.1;
/** Fewer judgments say nothing. */
const FEWEST = 20;

/** A sentence for each judge that fails often: its share, and its commonest reason. */
export function failingJudges(judges: readonly JudgeFailures[]): string[] {
  return judges.flatMap(({ judge, asked, reasons }) => {
    const sorted = Object.entries(reasons).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    const lost = sorted.reduce((sum, [, count]) => sum + count, 0);
    const [commonest] = sorted;
    if (commonest === undefined || asked < FEWEST || lost < OFTEN * asked) return [];
    return [
      `the judge ${judge} gave no score for ${lost} of the ${asked} responses that it was shown (${Math.round((100 * lost) / asked)} %), ` +
        `${commonest[1]} times because of "${commonest[0]}": ${adviceFor(commonest[0])}`,
    ];
  });
}

function adviceFor(reason: string): string {
  if (reason.endsWith('thinking')) return 'give its thoughts room with thinking.maxTokens under the model, or turn them off';
  if (reason === 'truncated') return 'raise synthesis.judge.sampling.maxTokens';
  return 'look at its replies (rehearse export --stage failures), and take another judge, or scoring: expected';
}
