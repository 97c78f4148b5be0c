import { formatCount, formatDecimal, formatUsd, formatPercent, formatShortCount, formatSigned } from '../../../contract/figures';
import type { VariantReport } from '../../gather/comparison-report';
import { columns, type Block, type ChartBlock } from '../blocks';
import { fromTo } from '../change-text';
import { shareChart } from '../charts/share-chart';
import { costChart, LEGEND_NAMES, slopeChart, TONE_MARKS, toneOfKind, transitionsChart, type VariantTone } from '../charts/variant-charts';
import { taskName } from '../task-name';

/** Shares of a sweep have a plot of their own; all other plots show variants at the spec's share. */
function atShare(variants: readonly VariantReport[], baseShare: number): VariantReport[] {
  return variants.filter(
    ({ kind, newShare, otherTraining }) => kind !== 'official' && (kind !== 'method' || otherTraining || newShare === baseShare),
  );
}

function toneOf({ kind }: VariantReport): VariantTone {
  return toneOfKind(kind);
}

function legendOf(variants: readonly VariantReport[]): ChartBlock['legend'] {
  const tones = new Set(variants.map(toneOf));
  return (Object.keys(TONE_MARKS) as VariantTone[])
    .filter((tone) => tones.has(tone))
    .map((tone) => ({ name: LEGEND_NAMES[tone], mark: TONE_MARKS[tone] }));
}

/** From the official model's score to that of each variant: the average, and each task. */
export function slopes(variants: readonly VariantReport[], baseShare: number): Block[] {
  const official = variants.find(({ kind }) => kind === 'official');
  const trained = atShare(variants, baseShare).filter(({ state }) => state === 'evaluated');
  if (official === undefined || official.average === null || trained.length === 0) return [];
  const panel = (title: string, from: number, scoreOf: (variant: VariantReport) => number | null | undefined): Block[] => {
    const known = trained.flatMap((variant) => {
      const score = scoreOf(variant);
      return score === null || score === undefined
        ? []
        : [{ name: variant.name, tone: toneOf(variant), score, label: `${variant.name} ${formatSigned(score - from)}` }];
    });
    if (known.length === 0) return [];
    return [
      {
        kind: 'chart',
        title,
        legend: legendOf(trained),
        numbers: null,
        alt: `From ${formatDecimal(from, 1)} before training to: ${known.map(({ name, score }) => `${name} ${formatDecimal(score, 1)}`).join('; ')}.`,
        spec: slopeChart(from, known, 'normalised score'),
      },
    ];
  };
  return [
    columns(
      ...panel('Average: official model → after training', official.average, ({ average }) => average),
      ...official.tasks.flatMap(({ task, normalized }) =>
        panel(
          `${taskName(task)}: official model → after training`,
          normalized,
          ({ tasks }) => tasks.find((each) => each.task === task)?.normalized,
        ),
      ),
    ),
  ];
}

/** Documents forgotten and gained, summed over the tasks. */
export function transitionBars(variants: readonly VariantReport[]): Block[] {
  const counted = variants.flatMap(({ name, tasks }) => {
    const known = tasks.flatMap(({ transitions }) => (transitions === null ? [] : [transitions]));
    if (known.length === 0) return [];
    return [
      {
        name,
        forgotten: known.reduce((sum, each) => sum + each.forgotten, 0),
        learned: known.reduce((sum, each) => sum + each.learned, 0),
      },
    ];
  });
  if (counted.length === 0) return [];
  return [
    {
      kind: 'chart',
      title: 'Documents forgotten and gained, all tasks',
      alt: counted
        .map(({ name, forgotten, learned }) => `${name}: ${formatCount(forgotten)} forgotten, ${formatCount(learned)} gained`)
        .join('; '),
      legend: [
        { name: 'forgotten (right → wrong)', mark: 'c4' },
        { name: 'gained (wrong → right)', mark: 'c2' },
      ],
      spec: transitionsChart(counted),
      numbers: null,
    },
  ];
}

/** The method at several shares of new data, where there are several. */
export function shareCurve(variants: readonly VariantReport[], baseShare: number): Block[] {
  const points = variants
    .flatMap(({ kind, otherTraining, examples, averageChange }) =>
      kind !== 'method' || otherTraining || examples === null || averageChange === null
        ? []
        : [{ share: examples.share, ...averageChange }],
    )
    .sort((a, b) => a.share - b.share)
    .map((point) => ({ ...point, label: formatSigned(point.value) }));
  if (points.length < 2) return [];
  return [
    {
      kind: 'chart',
      title: `Average of the method at other shares of new data, with 95 % intervals (the spec’s own is ${formatPercent(baseShare, 0)})`,
      alt: points.map((point) => `${formatPercent(point.share)} new data: ${point.label}${fromTo(point)}`).join('; '),
      spec: shareChart([{ mark: 'c1', points }], 'points from the official model'),
      numbers: null,
    },
  ];
}

/** What the data of each variant cost against what it kept; in dollars where every model has a price, else in tokens. */
export function costAgainstForgetting(variants: readonly VariantReport[], baseShare: number): Block[] {
  const known = atShare(variants, baseShare).flatMap((variant) => {
    const { dataCost, averageChange } = variant;
    return dataCost === null || averageChange === null ? [] : [{ variant, dataCost, averageChange }];
  });
  if (known.length < 2 || known.every(({ dataCost }) => dataCost.tokens === 0)) return [];
  const priced = known.every(({ dataCost }) => dataCost.usd !== null);
  const shown = ({ tokens, usd }: NonNullable<VariantReport['dataCost']>): string =>
    priced ? formatUsd(usd) : `${formatShortCount(tokens)} tokens`;
  return [
    {
      kind: 'chart',
      title: 'What the data cost against the change of the average',
      alt: known
        .map(({ variant, dataCost, averageChange }) => `${variant.name}: ${shown(dataCost)}, ${formatSigned(averageChange.value)} points`)
        .join('; '),
      legend: legendOf(known.map(({ variant }) => variant)),
      spec: costChart(
        known.map(({ variant, dataCost, averageChange: { value } }) => ({
          name: variant.name,
          tone: toneOf(variant),
          cost: priced ? (dataCost.usd ?? 0) : dataCost.tokens,
          value,
        })),
        { x: `${priced ? 'dollars' : 'tokens'} of the calls behind the replay set`, y: 'points from the official model' },
      ),
      numbers: null,
    },
  ];
}
