import { formatCounted, formatDecimal, NO_VALUE, formatPercent, formatPValue, formatSigned } from '../../../contract/figures';
import type { HeldOutSet } from '../../../method/hold-out';
import type { HeldOutSetReport, HeldOutVariant } from '../../gather/held-out-report';
import { columns, info, table, text, type Block, type Cell, type Section } from '../blocks';
import { fromTo, intervalText, toneOfChange, verdictText, WOULD_HAVE_BEEN_SEEN } from '../change-text';
import { intervalChart } from '../charts/score-charts';
import { shareChart } from '../charts/share-chart';

/** Names of the sets, as the report calls them. */
export const HELD_OUT_TITLES: Readonly<Record<HeldOutSet, string>> = { replay: 'replay set', own: 'own answers', new: 'new data' };

const MARKS = { replay: 'c1', own: 'c2', new: 'c4' } as const satisfies Record<HeldOutSet, string>;

const MEANINGS: Readonly<Record<HeldOutSet, string>> = {
  replay: 'rows of the method’s replay set, that is the best answers',
  own: 'the target model’s own first answers to the same instructions, unfiltered',
  new: 'conversations of the new data',
};

/** Loss on held-out conversations: it shows changes that scores are too coarse for. Only where the spec holds rows out. */
export function heldOutSection(sets: readonly HeldOutSetReport[] | null): Section[] {
  if (sets === null) return [];
  return [
    {
      id: 'held-out',
      title: 'Forgetting and gain, by loss',
      blocks: sets.length === 0 ? [info('Nothing has been measured yet.')] : measured(sets),
    },
  ];
}

function measured(sets: readonly HeldOutSetReport[]): Block[] {
  const what = sets.map(
    ({ set, conversations, tokens }) =>
      `${HELD_OUT_TITLES[set]} (${formatCounted(conversations, 'conversation')}, ${formatCounted(tokens, 'token')}: ${MEANINGS[set]})`,
  );
  return [
    text(
      `Loss, in nats a token, on conversations that no variant was trained on: ${what.join('; ')}. Lower is better. ` +
        'A rise on the model’s own distribution is forgetting, seen before a benchmark sees it; a fall on the new data is what was learned.',
    ),
    ...(sets.some(({ set }) => set === 'replay' || set === 'own')
      ? [
          text(
            'The replay set was written and chosen by the method, so a variant that trains on such rows also learns their style, and may fall below the official model here; a public set cannot. The own answers are what the official model says by itself: on them a rise is the distance that a variant has moved away from it.',
          ),
        ]
      : []),
    ...charts(sets),
    ...shareCurve(sets),
    lossTable(sets),
    ...intervalTable(sets),
  ];
}

function charts(sets: readonly HeldOutSetReport[]): Block[] {
  const drawn = sets.flatMap(({ set, variants }) => {
    const rows = variants.flatMap(({ name, change }) =>
      change === null ? [] : [{ name, ...change, label: formatSigned(change.value, 3), tone: toneOfChange(change, 'lower') }],
    );
    return rows.length === 0
      ? []
      : [
          {
            kind: 'chart' as const,
            title: `Loss on the ${HELD_OUT_TITLES[set]}: difference from the official model, with its 95 % interval`,
            alt: rows.map((row) => `${row.name} ${row.label}${fromTo(row, 3)}`).join('; '),
            spec: intervalChart(rows, 'nats a token'),
            numbers: null,
          },
        ];
  });
  return drawn.length === 0 ? [info('No trained variant can be compared with the official model yet.')] : [columns(...drawn)];
}

/** Forgetting against gain: the losses of the method over its share of new data, where there are several shares. */
function shareCurve(sets: readonly HeldOutSetReport[]): Block[] {
  const series = sets.flatMap(({ set, variants }) => {
    const points = variants
      .flatMap(({ kind, otherTraining, share, change }) =>
        kind !== 'method' || otherTraining || share === null || change === null
          ? []
          : [{ share, ...change, label: formatSigned(change.value, 3) }],
      )
      .sort((a, b) => a.share - b.share);
    return points.length < 2 ? [] : [{ name: HELD_OUT_TITLES[set], mark: MARKS[set], points }];
  });
  if (series.length === 0) return [];
  return [
    columns({
      kind: 'chart',
      title: 'The method at other shares of new data: change of the loss, with 95 % intervals',
      alt: series
        .map(({ name, points }) => `${name}: ${points.map(({ share, label }) => `${formatPercent(share)} ${label}`).join(', ')}`)
        .join('; '),
      legend: series,
      spec: shareChart(series, 'nats a token; lower is better'),
      numbers: null,
    }),
  ];
}

function lossTable(sets: readonly HeldOutSetReport[]): Block {
  const names = [...new Set(sets.flatMap(({ variants }) => variants.map(({ name }) => name)))];
  return table(
    'Loss in nats a token; in brackets the difference from the official model, coloured where the corrected p is below 0.05 and the conversations are not too few to say',
    ['Variant', ...sets.map(({ set }) => `>${HELD_OUT_TITLES[set]}`)],
    names.map((name) => [
      { text: name, tone: 'strong' },
      ...sets.map(({ variants }) => lossCell(variants.find((variant) => variant.name === name))),
    ]),
  );
}

function lossCell(variant: HeldOutVariant | undefined): Cell {
  if (variant === undefined) return NO_VALUE;
  const { loss, change } = variant;
  if (change === null) return formatDecimal(loss, 3);
  const shown = `${formatDecimal(loss, 3)} (${formatSigned(change.value, 3)})`;
  const tone = toneOfChange(change, 'lower');
  return tone === undefined ? shown : { text: shown, tone };
}

function intervalTable(sets: readonly HeldOutSetReport[]): Block[] {
  const rows = sets.flatMap(({ set, variants }) =>
    variants.flatMap(({ name, change }): Cell[][] =>
      change === null
        ? []
        : [
            [
              HELD_OUT_TITLES[set],
              name,
              formatSigned(change.value, 4),
              intervalText(change, 4),
              formatPValue(change.adjustedP),
              verdictText(change, 3),
            ],
          ],
    ),
  );
  return rows.length === 0
    ? []
    : [
        table(
          `Difference from the official model on the same conversations, each counting by its tokens; 95 % interval by paired bootstrap over conversations (BCa); p by a paired permutation test, corrected for all rows of this table (Holm); ${WOULD_HAVE_BEEN_SEEN}`,
          ['Held out', 'Variant', '>Difference', '>95 % interval', '>p', 'What it says'],
          rows,
        ),
      ];
}
