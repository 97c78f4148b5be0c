import { formatDecimal, formatList, formatSigned } from '../../../contract/figures';
import type { Interval } from '../../../method/paired-bootstrap';
import type { Frontier, FrontierPoint } from '../../gather/frontier';
import { details, table, text, warning, type Block, type Cell, type Section } from '../blocks';
import { fromTo } from '../change-text';
import { frontierChart } from '../charts/frontier-chart';
import { LEGEND_NAMES, TONE_MARKS, toneOfKind, type VariantTone } from '../charts/variant-charts';

/** Which one to take: what each row learned against what it forgot. Only where held-out rows of both kinds are measured. */
export function frontierSection(frontier: Frontier | null): Section[] {
  if (frontier === null) return [];
  const { points, front, lines, measure } = frontier;
  const tones = new Set(points.flatMap(({ kind }) => (kind === 'official' ? [] : [toneOfKind(kind)])));
  return [
    {
      id: 'frontier',
      title: 'Which row to take',
      blocks: [
        text(
          `What each row learned (fall of the loss on held-out new data) against what it forgot (rise of the loss on ${measure === 'own' ? 'the official model’s own answers' : 'the held-out replay set'}), with 95 % intervals. The best place is at the bottom right; the dashed staircase goes through the rows that no other one beats.`,
        ),
        choiceText(frontier),
        ...(frontier.choice.variants === null
          ? []
          : [
              details('What a larger run takes to have this row', {
                kind: 'code',
                language: 'yaml',
                text: `variants: ${JSON.stringify(frontier.choice.variants)}`,
              }),
            ]),
        ...tooFew(points),
        {
          kind: 'chart',
          title: 'Gain on the new data against forgetting',
          alt: points.map(({ name, gain, forgetting }) => `${name} learned ${shown(gain)} and forgot ${shown(forgetting)}`).join('; '),
          legend: (Object.keys(TONE_MARKS) as VariantTone[])
            .filter((tone) => tones.has(tone))
            .map((tone) => ({ name: LEGEND_NAMES[tone], mark: TONE_MARKS[tone] })),
          spec: frontierChart(
            points.map((point) => ({
              name: point.name,
              mark: point.kind === 'official' ? 'ink' : TONE_MARKS[toneOfKind(point.kind)],
              gain: point.gain.value,
              forgetting: point.forgetting.value,
              gainInterval: ends(point.gain),
              forgettingInterval: ends(point.forgetting),
            })),
            front,
            lines.map(({ rows }) => rows.map(({ name }) => name)),
          ),
          numbers: numbersOf(frontier),
        },
        ...lines.map(({ setting, rows }) =>
          text(`Joined by a line, by ${setting}: ${rows.map(({ name, value }) => `${name} (${value})`).join(', ')}.`),
        ),
      ],
    },
  ];
}

function choiceText({ choice: { limit, name }, points }: Frontier): Block {
  const chosen = points.find((point) => point.name === name);
  const within = `a forgetting of ${formatDecimal(limit, 3)} nats a token`;
  return chosen === undefined
    ? text(
        `No trained row that learned anything stays within ${within}, its whole interval counted (another limit: rehearse report --max-forgetting).`,
      )
    : text(
        `Within ${within}, its whole interval counted, ${chosen.name} learns most: ${shown(chosen.gain)} learned, ${shown(chosen.forgetting)} forgotten (another limit: rehearse report --max-forgetting).`,
      );
}

function tooFew(points: readonly FrontierPoint[]): Block[] {
  return points.some((point) => point.tooFew)
    ? [warning('Some of these rest on fewer than twenty conversations: too few to say which row is better. Hold more out (mix.holdOut).')]
    : [];
}

function numbersOf({ points, front }: Frontier): Extract<Block, { kind: 'table' }> {
  return table(
    'Nats a token, with 95 % intervals',
    ['Variant', '>Learned', '>Forgotten', 'Beaten by'],
    points.map((point): Cell[] => [
      { text: point.name, tone: 'strong' },
      shown(point.gain),
      shown(point.forgetting),
      beatenBy(point, points, front),
    ]),
  );
}

function beatenBy({ name, gain, forgetting }: FrontierPoint, points: readonly FrontierPoint[], front: readonly string[]): string {
  if (front.includes(name)) return 'none: on the front';
  return formatList(
    points.flatMap((other) =>
      front.includes(other.name) && other.gain.value >= gain.value && other.forgetting.value <= forgetting.value ? [other.name] : [],
    ),
  );
}

function shown(interval: Interval): string {
  return `${formatSigned(interval.value, 3)}${fromTo(interval, 3)}`;
}

function ends({ low, high }: Interval): [number, number] | null {
  return low === null || high === null ? null : [low, high];
}
