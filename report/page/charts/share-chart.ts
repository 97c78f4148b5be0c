import type { TopLevelSpec } from 'vega-lite';
import { chart, INK, LABEL_GAP } from './chart-style';
import { spreadLabels } from './spread-labels';
import type { TONE_MARKS, VariantTone } from './variant-charts';

export interface SharePoint {
  /** New data, 0 to 1 of the examples. */
  readonly share: number;
  readonly value: number;
  /** Null where there is no interval. */
  readonly low: number | null;
  readonly high: number | null;
  readonly label: string;
}

export interface ShareSeries {
  readonly mark: (typeof TONE_MARKS)[VariantTone];
  /** By rising share. */
  readonly points: readonly SharePoint[];
}

/** Curves over the share of new data, with the interval of each point and a line at zero. */
export function shareChart(series: readonly ShareSeries[], axisTitle: string): TopLevelSpec {
  const height = 230;
  const points = series.flatMap(({ mark, points: own }) =>
    own.map((point) => ({ ...point, low: point.low ?? point.value, high: point.high ?? point.value, mark, percent: point.share * 100 })),
  );
  const [low, high] = [Math.min(0, ...points.map((point) => point.low)), Math.max(0, ...points.map((point) => point.high))];
  // Labels stand above their intervals; those of several curves at one share are moved apart where they would overlap.
  const values = [...new Set(points.map(({ share }) => share))].flatMap((share) => {
    const group = points.filter((point) => point.share === share);
    const places = spreadLabels(
      group.map((point) => point.high),
      { gap: (LABEL_GAP / height) * (high - low), low, high },
    );
    return group.map((point, index) => ({ ...point, place: places[index]! }));
  });
  const percents = values.map(({ percent }) => percent);
  const marks = series.map(({ mark }) => mark);
  const color = { field: 'mark', type: 'nominal', legend: null, scale: { domain: marks, range: marks.map((mark) => `var(--${mark})`) } };
  const x = {
    field: 'percent',
    type: 'quantitative',
    title: 'new data, % of the examples',
    scale: { domain: [Math.max(0, Math.min(...percents) - 4), Math.min(100, Math.max(...percents) + 8)], nice: false },
    axis: { grid: false, tickCount: 6 },
  };
  const y = (field: string): object => ({
    field,
    type: 'quantitative',
    title: axisTitle,
    stack: null,
    scale: { zero: true, nice: 5 },
    axis: { tickCount: 5 },
  });
  return chart({
    height,
    data: { values },
    layer: [
      {
        data: { values: [{ zero: 0 }] },
        mark: { type: 'rule', stroke: INK, strokeDash: [3, 3] },
        encoding: { y: { field: 'zero', type: 'quantitative' } },
      },
      { mark: { type: 'area', opacity: 0.15 }, encoding: { x, y: y('low'), y2: { field: 'high' }, color } },
      { mark: { type: 'line', strokeWidth: 2.5 }, encoding: { x, y: y('value'), color } },
      { mark: { type: 'rule', opacity: 0.6, strokeWidth: 2 }, encoding: { x, y: y('low'), y2: { field: 'high' }, color } },
      { mark: { type: 'point', filled: true, size: 80, opacity: 1 }, encoding: { x, y: y('value'), color } },
      { mark: { type: 'text', dy: -9, fontSize: 12 }, encoding: { x, y: y('place'), text: { field: 'label' }, color } },
    ],
  });
}
