import type { TopLevelSpec } from 'vega-lite';
import type { RunSpec } from '../../config/spec';
import type { ScoreBin } from '../../method/agreement';
import { ACCENT, chart, DIM, INK, NEUTRAL } from './chart-style';

/**
 * The report's plots as Vega-Lite specs. Text on the marks is drawn with what the data say, so that a plot can be read without hovering.
 */

/** The page's palette, in the order in which series take it. */
const SERIES = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'] as const;

/** One colour a model, the same in every plot: generators first, then the judges that are none. */
export function modelColors(spec: Pick<RunSpec, 'target' | 'synthesis'>): ReadonlyMap<string, (typeof SERIES)[number]> {
  const names = new Set([...spec.synthesis.respond.generators, ...spec.synthesis.judge.judges, spec.target.model]);
  return new Map([...names].map((name, index) => [name, SERIES[index % SERIES.length]!]));
}

export interface Dumbbell {
  readonly name: string;
  readonly before: number | null;
  readonly after: number | null;
  /** The difference, as it is to be read. */
  readonly label: string;
}

/** Two marks a row and the way between them; all rows share one scale from 0. */
export function dumbbellChart(rows: readonly Dumbbell[], axisTitle: string): TopLevelSpec {
  const highest = Math.max(10, ...rows.flatMap(({ before, after }) => [before ?? 0, after ?? 0]));
  const end = Math.min(100, Math.ceil((highest * 1.1) / 10) * 10);
  const values = rows.map((row) => ({ ...row, lost: row.before !== null && row.after !== null && row.after < row.before, end }));
  const y = {
    field: 'name',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelColor: INK, labelFontSize: 13, labelLimit: 160, labelPadding: 14 },
  };
  const x = (field: string): object => ({
    field,
    type: 'quantitative',
    scale: { domain: [0, end], nice: false },
    title: axisTitle,
    axis: { tickCount: 5, grid: true },
  });
  return chart({
    width: 340,
    height: { step: 34 },
    data: { values },
    encoding: { y },
    layer: [
      {
        mark: { type: 'rule', strokeWidth: 5, opacity: 0.45, strokeCap: 'round' },
        encoding: {
          x: x('before'),
          x2: { field: 'after' },
          color: { condition: { test: 'datum.lost', value: 'var(--bad)' }, value: 'var(--good)' },
        },
      },
      {
        mark: { type: 'point', size: 110, filled: true, fill: 'var(--paper)', stroke: DIM, strokeWidth: 2, opacity: 1 },
        encoding: { x: x('before') },
      },
      { mark: { type: 'point', size: 130, filled: true, color: ACCENT, opacity: 1 }, encoding: { x: x('after') } },
      {
        mark: { type: 'text', align: 'left', dx: 14, fontSize: 13, fontWeight: 600 },
        encoding: { x: x('end'), text: { field: 'label' }, color: { condition: { test: 'datum.lost', value: 'var(--bad)' }, value: INK } },
      },
    ],
  });
}

export interface IntervalRow {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly label: string;
}

/** One point a row with its interval, and a line at zero. */
export function intervalChart(rows: readonly IntervalRow[], axisTitle: string, better: 'higher' | 'lower' = 'higher'): TopLevelSpec {
  const [below, above] = better === 'higher' ? ['bad', 'good'] : ['good', 'bad'];
  const values = rows.map((row) => ({ ...row, tone: row.high < 0 ? below : row.low > 0 ? above : 'even' }));
  const color = {
    field: 'tone',
    type: 'nominal',
    legend: null,
    scale: { domain: ['bad', 'good', 'even'], range: ['var(--bad)', 'var(--good)', DIM] },
  };
  const y = {
    field: 'name',
    type: 'nominal',
    sort: rows.map(({ name }) => name),
    title: null,
    axis: { labelColor: INK, labelFontSize: 13, labelLimit: 230 },
  };
  return chart({
    height: { step: 28 },
    data: { values },
    layer: [
      {
        data: { values: [{ zero: 0 }] },
        mark: { type: 'rule', stroke: INK, strokeDash: [3, 3] },
        encoding: { x: { field: 'zero', type: 'quantitative' } },
      },
      {
        mark: { type: 'rule', strokeWidth: 3, opacity: 0.6 },
        encoding: { y, x: { field: 'low', type: 'quantitative', title: axisTitle }, x2: { field: 'high' }, color },
      },
      { mark: { type: 'point', filled: true, size: 90, opacity: 1 }, encoding: { y, x: { field: 'value', type: 'quantitative' }, color } },
      {
        mark: { type: 'text', dy: -11, fontSize: 12 },
        encoding: { y, x: { field: 'value', type: 'quantitative' }, text: { field: 'label' } },
      },
    ],
  });
}

/** Bars of a histogram, with a second one before it when there is a part to set off. */
export function histogramChart(whole: readonly ScoreBin[], part: readonly ScoreBin[] | null, axisTitle: string): TopLevelSpec {
  const width = binWidth(whole);
  const bars = (bins: readonly ScoreBin[], series: string): object[] =>
    bins.filter(({ count }) => count > 0).map(({ score, count }) => ({ series, from: score - width / 2, to: score + width / 2, count }));
  const layer = (series: string, color: string): object => ({
    transform: [{ filter: { field: 'series', equal: series } }],
    mark: { type: 'bar', color, binSpacing: 1 },
    encoding: {
      x: {
        field: 'from',
        type: 'quantitative',
        bin: 'binned',
        scale: { domain: scoreDomain([whole]), nice: false },
        title: axisTitle,
        axis: { grid: false, tickMinStep: 0.5, format: '~g' },
      },
      x2: { field: 'to' },
      y: { field: 'count', type: 'quantitative', title: null, stack: null, axis: { tickCount: 4, tickMinStep: 1, format: '~s' } },
    },
  });
  return chart({
    height: 170,
    data: { values: [...bars(whole, 'whole'), ...(part === null ? [] : bars(part, 'part'))] },
    layer: [layer('whole', part === null ? ACCENT : NEUTRAL), ...(part === null ? [] : [layer('part', ACCENT)])],
  });
}

/** One small histogram a row, on one scale of scores. */
export function histogramRows(
  rows: readonly { readonly name: string; readonly bins: readonly ScoreBin[] }[],
  axisTitle: string,
): TopLevelSpec {
  const width = binWidth(rows[0]?.bins ?? []);
  return chart({
    data: {
      values: rows.flatMap(({ name, bins }) =>
        bins.filter(({ count }) => count > 0).map(({ score, count }) => ({ name, from: score - width / 2, to: score + width / 2, count })),
      ),
    },
    facet: {
      row: {
        field: 'name',
        type: 'nominal',
        sort: rows.map(({ name }) => name),
        header: { labelAngle: 0, labelAlign: 'left', labelAnchor: 'middle', labelOrient: 'left', labelLimit: 130 },
      },
    },
    spacing: 8,
    spec: {
      width: 270,
      height: 42,
      mark: { type: 'bar', color: ACCENT, binSpacing: 1 },
      encoding: {
        x: {
          field: 'from',
          type: 'quantitative',
          bin: 'binned',
          scale: { domain: scoreDomain(rows.map(({ bins }) => bins)), nice: false },
          title: axisTitle,
          axis: { grid: false, tickMinStep: 0.5, format: '~g' },
        },
        x2: { field: 'to' },
        y: { field: 'count', type: 'quantitative', title: null, axis: null },
      },
    },
  });
}

/** Shaded cells with their values. */
export function heatmapChart(
  cells: readonly { readonly row: string; readonly column: string; readonly value: number | null; readonly label: string }[],
  titles: { readonly row: string; readonly column: string },
): TopLevelSpec {
  const values = cells.flatMap(({ value }) => (value === null ? [] : [value]));
  // Vega takes letters for wider than they are, so a label may seem longer than its step.
  const step = Math.min(140, Math.max(84, 16 + 7 * Math.max(...cells.map(({ column }) => column.length))));
  const encoding = {
    x: {
      field: 'column',
      type: 'nominal',
      sort: null,
      title: titles.column,
      axis: { orient: 'top', labelAngle: 0, labelColor: INK, labelLimit: 1.4 * step },
    },
    y: { field: 'row', type: 'nominal', sort: null, title: titles.row, axis: { labelColor: INK, labelLimit: 150 } },
  };
  return chart({
    width: { step },
    height: { step: 38 },
    data: { values: cells },
    encoding,
    layer: [
      {
        mark: { type: 'rect', color: ACCENT, stroke: 'var(--paper)', strokeWidth: 3, cornerRadius: 4 },
        // The ends are those of the data: on the whole scale all cells would look alike.
        encoding: {
          opacity: {
            field: 'value',
            type: 'quantitative',
            scale: { domain: [Math.min(...values), Math.max(...values)], range: [0.08, 0.6] },
            legend: null,
          },
        },
      },
      { mark: { type: 'text', fontSize: 13 }, encoding: { text: { field: 'label' } } },
    ],
  });
}

/** A line over steps, with its points while they are few. */
export function lineChart(
  points: readonly { readonly x: number; readonly y: number }[],
  titles: { readonly x: string; readonly y: string },
): TopLevelSpec {
  const xs = points.map(({ x }) => x);
  return chart({
    width: 380,
    height: 170,
    data: { values: points },
    mark: {
      type: 'line',
      color: ACCENT,
      strokeWidth: 2,
      ...(points.length <= 60 ? { point: { filled: true, size: 45, color: ACCENT } } : {}),
    },
    encoding: {
      x: {
        field: 'x',
        type: 'quantitative',
        title: titles.x,
        scale: { domain: [Math.min(...xs), Math.max(...xs)], nice: false },
        axis: { grid: false, tickMinStep: 1, format: 'd', tickCount: Math.min(10, points.length) },
      },
      y: { field: 'y', type: 'quantitative', title: titles.y, scale: { zero: false, nice: 5 }, axis: { tickCount: 5 } },
    },
  });
}

export interface BarPart {
  readonly row: string;
  readonly part: string;
  readonly value: number;
  /** Stands at the end of the row's last part. */
  readonly label?: string;
}

/** Stacked horizontal bars; `colors` gives each part its palette entry, `width` is in pixels without the labels. */
export function barChart(
  parts: readonly BarPart[],
  colors: Readonly<Record<string, string>>,
  axisTitle: string | null,
  width = 290,
): TopLevelSpec {
  const names = Object.keys(colors);
  const rows = [...new Set(parts.map(({ row }) => row))];
  const totals = rows.map((row) => ({
    row,
    total: parts.filter((part) => part.row === row).reduce((sum, { value }) => sum + value, 0),
    label: parts.filter((part) => part.row === row).at(-1)?.label ?? '',
  }));
  const y = { field: 'row', type: 'nominal', sort: rows, title: null, axis: { labelColor: INK, labelLimit: 150 } };
  return chart({
    width,
    height: { step: 26 },
    layer: [
      {
        data: { values: parts.map((part, order) => ({ ...part, order })) },
        // Round corners would clip, under ids that differ from drawing to drawing.
        mark: { type: 'bar', stroke: 'var(--paper)', strokeWidth: 1, height: { band: 0.66 } },
        encoding: {
          y,
          x: { field: 'value', type: 'quantitative', title: axisTitle, axis: axisTitle === null ? null : { tickCount: 5, format: '~s' } },
          order: { field: 'order' },
          color: {
            field: 'part',
            type: 'nominal',
            scale: { domain: names, range: names.map((name) => `var(--${colors[name]})`) },
            legend: null,
          },
        },
      },
      {
        data: { values: totals },
        mark: { type: 'text', align: 'left', dx: 6, color: DIM },
        encoding: { y, x: { field: 'total', type: 'quantitative' }, text: { field: 'label' } },
      },
    ],
  });
}

function binWidth(bins: readonly ScoreBin[]): number {
  return bins.length < 2 ? 1 : bins[1]!.score - bins[0]!.score;
}

/** The part of the scale that holds scores, in whole ratings. */
function scoreDomain(histograms: readonly (readonly ScoreBin[])[]): [number, number] {
  const filled = histograms
    .flat()
    .filter(({ count }) => count > 0)
    .map(({ score }) => score);
  const half = binWidth(histograms[0] ?? []) / 2;
  if (filled.length === 0) return [1 - half, 5 + half];
  // Rounded before floor and ceil: 1 + 20 * 0.1 is a little more than 3.
  return [
    Math.max(1, Math.floor(Number(Math.min(...filled).toFixed(6)))) - half,
    Math.min(5, Math.ceil(Number(Math.max(...filled).toFixed(6)))) + half,
  ];
}
