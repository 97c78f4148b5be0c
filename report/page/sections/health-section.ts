import { formatCount, formatCounted, formatPercent } from '../../../contract/figures';
import { healthSentence } from '../../../contract/health-sentence';
import type { ExtractionHealth } from '../../../method/extraction-health';
import type { Seen } from '../../../method/unseen';
import { columns, table, text, warning, type Block, type Section } from '../blocks';
import { lineChart } from '../charts/line-chart';

/** What the model wrote as a user: whether it is usable, and how much of its distribution it shows. */
export function healthSection(health: ExtractionHealth | null): Section[] {
  if (health === null) return [];
  const { texts, topics, warnings } = health;
  return [
    {
      id: 'health',
      title: 'What was extracted',
      blocks: [
        text(`${healthSentence(health)}.`),
        ...warnings.map((each) => warning(`${each}.`)),
        columns(curve('Different texts', texts), curve('Topics', topics)),
        table(
          'How much of the distribution was seen (Good and Turing, as Chao and Jost 2012 have it); the unseen is a lower bound (Chao 1984)',
          ['', '>Drawn', '>Different', '>Drawn once', '>Twice', '>Coverage', '>Unseen, at least', '>New in as many again'],
          [row('texts', texts), row('topics', topics)],
        ),
        text(
          `As many instructions again (${formatCount(texts.sample)}) are expected to bring ${formatCount(Math.round(texts.newInAsMany))} new texts` +
            (topics.sample === texts.sample
              ? ` and ${formatCounted(Math.round(topics.newInAsMany), 'new topic')}.`
              : `; as many as the ${formatCount(topics.sample)} in which topics were counted, ${formatCounted(Math.round(topics.newInAsMany), 'new topic')}.`) +
            ' Texts are one topic where they share half of their distinctive words; texts are alike where only white space or case differs. Whether a text asks for anything is told by a coarse rule on English words and question marks.',
        ),
      ],
    },
  ];
}

function curve(title: string, { curve: points }: Seen): Block {
  return {
    kind: 'chart',
    title: `${title} over the sample`,
    alt: points.map(({ sample, kinds }) => `${formatCount(kinds)} in ${formatCount(sample)}`).join('; '),
    spec: lineChart(
      points.map(({ sample, kinds }) => ({ x: sample, y: kinds })),
      { x: 'texts drawn', y: title.toLowerCase() },
    ),
    numbers: null,
  };
}

function row(name: string, { sample, kinds, once, twice, coverage, unseenAtLeast, newInAsMany }: Seen): string[] {
  return [
    name,
    formatCount(sample),
    formatCount(kinds),
    formatCount(once),
    formatCount(twice),
    formatPercent(coverage, 1),
    unseenAtLeast === null ? 'unknown' : formatCount(Math.round(unseenAtLeast)),
    formatCount(Math.round(newInAsMany)),
  ];
}
