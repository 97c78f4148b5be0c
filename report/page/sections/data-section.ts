import { formatCount, formatCounted, NO_VALUE, formatPercent } from '../../../contract/figures';
import type { DataReport, DuplicateReport, LengthReport, TopicReport } from '../../gather/data-report';
import type { QualityReport } from '../../gather/quality-report';
import { FEWEST_TEXTS } from '../../gather/topic-map';
import { columns, info, table, text, type Block, type Section } from '../blocks';
import { lengthChart, topicChart } from '../charts/data-charts';

const SOURCES = { replay: 'replay set', new: 'new data' } as const;
const SIDES = { instruction: 'Instructions', answer: 'Answers' } as const;
const LEGEND = [
  { name: SOURCES.replay, mark: 'c1' },
  { name: SOURCES.new, mark: 'c3' },
] as const;

/** What the model was trained on: topics, lengths, repetitions, and overlap with the benchmarks. */
export function dataSection(data: DataReport | null, quality: QualityReport | null): Section {
  return {
    id: 'data',
    title: 'What the data are about',
    blocks:
      data === null
        ? [info('Nothing has been mixed yet.')]
        : [
            ...(data.map === null ? [info(`A map of topics takes ${FEWEST_TEXTS} conversations at least.`)] : topicBlocks(data.map)),
            ...lengthBlocks(data.lengths),
            text(duplicateSentence(data.duplicates)),
            text(contaminationSentence(quality)),
          ],
  };
}

function topicBlocks(map: TopicReport): Block[] {
  const { topics, shown, all } = map;
  return [
    text(
      `${shown === all ? `All ${formatCount(all)} conversations of the mixture` : `${formatCount(shown)} of the ${formatCount(all)} conversations of the mixture, drawn by the seed`}: those that share distinctive words lie near each other. ` +
        'The embedding is TF-IDF over words, laid out by UMAP; no model was asked, so one thing said in different words lies apart. Topics are groups of neighbours (k-means), named by the words that distinguish them.',
    ),
    columns({
      kind: 'chart',
      title: 'Conversations by topic',
      legend: LEGEND,
      spec: topicChart(map),
      numbers: null,
      alt: topics
        .map(
          ({ terms, replay, new: fresh }, index) =>
            `${index + 1}: ${terms.slice(0, 3).join(', ') || 'no common words'}, ${replay} of the replay set, ${fresh} of the new data`,
        )
        .join('; '),
    }),
    table(
      'Topics, by their numbers on the map',
      ['>No.', 'Distinctive words', '>Replay set', '>New data', 'An instruction in its middle'],
      topics.map(({ terms, replay, new: fresh, example }, index) => [
        String(index + 1),
        terms.join(', ') || NO_VALUE,
        formatCount(replay),
        formatCount(fresh),
        `${example.text}${example.omittedCharacters > 0 ? '…' : ''}`,
      ]),
    ),
  ];
}

function lengthBlocks(lengths: readonly LengthReport[]): Block[] {
  const charts = (['instruction', 'answer'] as const).map((side): Block => {
    const own = lengths.filter((each) => each.side === side);
    return {
      kind: 'chart',
      title: `${SIDES[side]} by length`,
      legend: LEGEND,
      spec: lengthChart(own),
      numbers: null,
      alt: own
        .map(
          ({ source, median, p90 }) =>
            `${SOURCES[source]}: half have ${formatCount(median)} characters or more, one in ten ${formatCount(p90)} or more`,
        )
        .join('; '),
    };
  });
  return [
    columns(...charts),
    table(
      'Characters of a conversation’s instructions and answers',
      ['', 'Of', '>10 % are below', '>Median', '>10 % are above', '>Longest'],
      lengths.map(({ source, side, p10, median, p90, longest }) => [
        SIDES[side],
        SOURCES[source],
        formatCount(p10),
        formatCount(median),
        formatCount(p90),
        formatCount(longest),
      ]),
    ),
  ];
}

function duplicateSentence({ compared, exact, near, newInReplay, threshold }: DuplicateReport): string {
  const share = (value: number): string => `${formatCount(value)} (${formatPercent(compared === 0 ? null : value / compared)})`;
  return (
    `Of ${formatCounted(compared, 'instruction')} compared, ${share(exact)} repeat an earlier one word for word, letter case aside, and ${share(near)} nearly (Jaccard similarity of ${threshold} or more). ` +
    `${newInReplay === 0 ? 'No new example repeats an instruction of the replay set.' : `${formatCounted(newInReplay, 'new example')} ${newInReplay === 1 ? 'repeats' : 'repeat'} an instruction of the replay set.`}`
  );
}

function contaminationSentence(quality: QualityReport | null): string {
  if (quality?.rules.decontaminate === undefined) {
    return 'Overlap with the evaluation sets was not looked for: the filter synthesis.quality.decontaminate is off, as in the paper.';
  }
  const instructions = new Set(quality.matches.map(({ instructionId }) => instructionId)).size;
  return `${formatCounted(instructions, 'instruction')} shared ${quality.rules.decontaminate.ngram} words in a row with an evaluation document, of ${formatCount(quality.judged)} looked at; they were dropped and are listed under Instruction quality.`;
}
