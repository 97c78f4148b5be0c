import { SCORE_READINGS, SCORINGS } from '../../../config/score-readings';
import { formatCount, formatCounted, formatDecimal, formatList, formatPercent, formatSigned } from '../../../contract/figures';
import type { ReportData } from '../../gather/run-report';
import type { ScoreReport } from '../../gather/score-tally';
import type { SkipReport } from '../../gather/skip-tally';
import { columns, details, info, table, text, type Block, type Section } from '../blocks';
import { barChart } from '../charts/bar-chart';
import { histogramChart, histogramRows } from '../charts/histograms';
import { modelColors } from '../charts/model-colors';
import { heatmapChart } from '../charts/score-charts';
import { shortNames } from '../short-names';

/** Names for plots, where there is little room. */
type Shorten = (name: string) => string;

/** What the judges said, how far they agree, and which generators they prefer. */
export function judgingSection({ synthesis, spec }: Pick<ReportData, 'synthesis' | 'spec'>): Section {
  const { scores } = synthesis;
  const short = shortNames([...new Set([...spec.synthesis.respond.generators, ...spec.synthesis.judge.judges])]);
  const scored = scores.judges.some((judge) => judge.scored > 0);
  return {
    id: 'judging',
    title: 'What the judges said',
    blocks: scored
      ? [
          text(reading(scores)),
          columns(meanHistogram(scores), singleHistograms(scores, short)),
          judgeTable(scores),
          ...leftOut(synthesis.skips),
          text(agreementSentence(scores)),
          ...pairTable(scores),
          columns(heatmap(scores, short), wins(scores, short, modelColors(spec))),
          text(ties(scores)),
          ...cutAnswers(scores),
          ...selfPreference(scores),
        ]
      : [info('No response has been scored yet.')],
  };
}

function reading({ readings, judges, meanOfAll, meanOfKept }: ScoreReport): string {
  const masses = judges.flatMap(({ ratingMass }) => (ratingMass === null ? [] : [ratingMass]));
  const held =
    masses.length === 0
      ? ''
      : `; the five ratings held ${formatPercent(masses.reduce((sum, mass) => sum + mass, 0) / masses.length, 0)} of the probability on average`;
  const how = SCORINGS.filter((scoring) => readings[scoring] > 0).map((scoring) => {
    const { phrases, usesRatingMass } = SCORE_READINGS[scoring];
    return `${formatCount(readings[scoring])} scores are ${phrases.report}${usesRatingMass ? held : ''}.`;
  });
  if (meanOfAll !== null && meanOfKept !== null) {
    how.push(`Over all answers the mean score is ${formatDecimal(meanOfAll)}; of the kept ones it is ${formatDecimal(meanOfKept)}.`);
  }
  return how.join(' ');
}

function meanHistogram({ means, meanOfAll, meanOfKept }: ScoreReport): Block {
  return {
    kind: 'chart',
    title: 'Mean scores of the answers',
    alt: `Histogram of mean scores from 1 to 5: all answers average ${formatDecimal(meanOfAll)}, kept answers ${formatDecimal(meanOfKept)}.`,
    legend: [
      { name: 'all answers', mark: 'neutral' },
      { name: 'kept', mark: 'c1' },
    ],
    spec: histogramChart(means.all, means.kept, 'mean score over judges'),
    numbers: table(
      'Answers by mean score',
      ['>Mean score', '>All', '>Kept'],
      means.all.flatMap(({ score, count: all }, index) =>
        all === 0 ? [] : [[formatDecimal(score), formatCount(all), formatCount(means.kept[index]?.count ?? 0)]],
      ),
    ),
  };
}

function singleHistograms({ judges }: ScoreReport, short: Shorten): Block {
  const bins = judges[0]?.bins ?? [];
  return {
    kind: 'chart',
    title: 'Single scores, judge by judge',
    alt: judges
      .map(
        ({ judge, mean, deviation }) => `${judge} gives ${formatDecimal(mean)} on average, standard deviation ${formatDecimal(deviation)}`,
      )
      .join('; '),
    spec: histogramRows(
      judges.map(({ judge, bins: own }) => ({ name: short(judge), bins: own })),
      'score',
    ),
    numbers: table(
      'Scores by judge',
      ['>Score', ...judges.map(({ judge }) => `>${judge}`)],
      bins.flatMap(({ score }, index) => {
        const row = judges.map((judge) => judge.bins[index]?.count ?? 0);
        return row.every((value) => value === 0) ? [] : [[formatDecimal(score, 1), ...row.map((value) => formatCount(value))]];
      }),
    ),
  };
}

function judgeTable({ judges }: ScoreReport): Block {
  const masses = judges.some(({ ratingMass }) => ratingMass !== null);
  return table(
    'The judges',
    ['Judge', '>Scores', '>Without score', '>Mean', '>Deviation', ...(masses ? ['>Rating mass'] : [])],
    judges.map(({ judge, scored, unscored, mean, deviation, ratingMass }) => [
      judge,
      formatCount(scored),
      formatCount(unscored),
      formatDecimal(mean),
      formatDecimal(deviation),
      ...(masses ? [formatPercent(ratingMass, 0)] : []),
    ]),
  );
}

function leftOut(skips: SkipReport | undefined): Block[] {
  if (skips === undefined) return [];
  const { skipped, keptWithSkipped, audited, auditShare } = skips;
  return [
    text(
      `${formatCount(skipped)} judgments were not asked for, since their answers could no longer win: the kept answers are those that full judging keeps. ` +
        `${formatCounted(keptWithSkipped, 'kept instruction')} ${keptWithSkipped === 1 ? 'has' : 'have'} such answers; a score of theirs that could not have been read would have lost the instruction. ` +
        `Means, agreement and self-preference are of ${formatCounted(audited, 'instruction')} drawn at random (${formatPercent(auditShare)}), which every judge scored in full.`,
    ),
    table(
      'What was not asked, by judge',
      ['Judge, in order', '>Answers', '>Not asked', '>Share'],
      skips.judges.map(({ judge, judgments, skipped: own }) => [
        judge,
        formatCount(judgments),
        formatCount(own),
        formatPercent(judgments === 0 ? null : own / judgments),
      ]),
    ),
  ];
}

function agreementSentence({ agreement, agreementSample }: ScoreReport): string {
  const { alpha } = agreement;
  const basis = agreementSample.complete ? '' : ` From a seeded sample of ${formatCount(agreementSample.responses)} answers.`;
  if (alpha.alpha === null) return `Agreement of the judges cannot be stated: ${alpha.reason}.`;
  // Krippendorff's own bounds (Content Analysis, 2004).
  const verdict =
    alpha.alpha >= 0.8
      ? 'they agree well'
      : alpha.alpha >= 0.667
        ? 'they agree well enough for tentative conclusions'
        : alpha.alpha >= 0.2
          ? 'they agree a little'
          : 'they hardly agree more than by chance';
  return `Krippendorff’s alpha is ${formatDecimal(alpha.alpha)} over ${formatCounted(alpha.units, 'answer')} (1 is full agreement, 0 is chance): ${verdict}. A strict and a lenient judge count as disagreeing here, not in the correlations below.${basis}`;
}

function pairTable({ agreement }: ScoreReport): Block[] {
  if (agreement.pairs.length === 0) return [];
  return [
    table(
      'Agreement, pair by pair',
      ['Judges', '>Answers', '>Pearson', '>Spearman', '>Same rating'],
      agreement.pairs.map(({ judges, responses, pearson, spearman, exact }) => [
        formatList(judges),
        formatCount(responses),
        formatDecimal(pearson),
        formatDecimal(spearman),
        formatPercent(exact, 0),
      ]),
    ),
  ];
}

function heatmap({ agreement }: ScoreReport, short: Shorten): Block {
  const cells = agreement.preferences.map(({ judge, generator, mean }) => ({
    row: short(judge),
    column: short(generator),
    value: mean,
    label: formatDecimal(mean),
  }));
  return {
    kind: 'chart',
    title: 'Mean score by judge and generator',
    alt: cells.map(({ row, column, label }) => `${row} gives ${column} ${label}`).join('; '),
    spec: heatmapChart(cells, { row: 'judge', column: 'generator' }),
    numbers: table(
      'Mean score by judge and generator',
      ['Judge', 'Generator', '>Answers', '>Mean'],
      agreement.preferences.map(({ judge, generator, responses, mean }) => [judge, generator, formatCount(responses), formatDecimal(mean)]),
    ),
  };
}

function wins({ wins: shares }: ScoreReport, short: Shorten, colors: ReturnType<typeof modelColors>): Block {
  return {
    kind: 'chart',
    title: 'Whose answers were kept',
    alt: shares.map(({ generator, wins: won, share }) => `${generator} ${won} (${formatPercent(share, 0)})`).join('; '),
    spec: barChart(
      shares.map(({ generator, wins: won, share }) => ({
        row: short(generator),
        part: generator,
        value: won,
        label: `${formatCount(won)} (${formatPercent(share, 0)})`,
      })),
      Object.fromEntries(colors),
      null,
      220,
    ),
    numbers: table(
      'Kept answers by generator',
      ['Generator', '>Kept', '>Share'],
      shares.map(({ generator, wins: won, share }) => [generator, formatCount(won), formatPercent(share)]),
    ),
  };
}

function ties({ tied, kept }: ScoreReport): string {
  if (kept === 0) return 'No answer has been kept yet.';
  return tied === 0
    ? 'Every kept answer had the highest mean to itself.'
    : `${formatCount(tied)} of ${formatCounted(kept, 'kept answer')} (${formatPercent(tied / kept)}) shared the highest mean with another answer to the same instruction; the seed decided.`;
}

function cutAnswers({ cut, kept }: ScoreReport): Block[] {
  return cut === 0
    ? []
    : [
        text(
          `${formatCount(cut)} of ${formatCounted(kept, 'kept answer')} (${formatPercent(cut / kept)}) ${cut === 1 ? 'was' : 'were'} cut at the token limit. Training takes no loss on an end that ${cut === 1 ? 'it does' : 'they do'} not have.`,
        ),
      ];
}

function selfPreference({ agreement }: ScoreReport): Block[] {
  if (agreement.selfPreferences.length === 0) return [];
  return [
    details(
      'Do judges prefer their own answers?',
      text(
        'A judge’s mean score of its own answers against the other judges’ mean of the same answers. The excess takes away how lenient the judge is with everybody else.',
      ),
      table(
        'Self-preference',
        ['Judge', '>Own answers', '>Its own mean', '>The others’ mean', '>Excess'],
        agreement.selfPreferences.map(({ judge, responses, ownMean, othersMean, excess }) => [
          judge,
          formatCount(responses),
          formatDecimal(ownMean),
          formatDecimal(othersMean),
          formatSigned(excess, 2),
        ]),
      ),
    ),
  ];
}
