import type { TopLevelSpec } from 'vega-lite';
import { ACCENT, chart, DIM, INK, NEUTRAL } from './chart-style';

/** The plots of scores, as Vega-Lite specs. */

export interface Dumbbell {
  readonly name: string;
  readonly before: number | null;
  readonly after: number | null;
  /** The difference, as it is to be read. */
  readonly label: string;
  /** Whether the difference is one, and for better or worse; without it the way between the marks has no colour. */
  readonly tone: 'good' | 'bad' | undefined;
}

/** Two marks a row and the way between them; all rows share one scale from 0. */
export function dumbbellChart(rows: readonly Dumbbell[], axisTitle: string): TopLevelSpec {
  const highest = Math.max(10, ...rows.flatMap(({ before, after }) => [before ?? 0, after ?? 0]));
  const end = Math.min(100, Math.ceil((highest * 1.1) / 10) * 10);
  const values = rows.map((row) => ({ ...row, tone: row.tone ?? 'even', end }));
  const colorOf = (even: string): object => ({
    field: 'tone',
    type: 'nominal',
    legend: null,
    scale: { domain: ['bad', 'good', 'even'], range: ['var(--bad)', 'var(--good)', even] },
  });
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
        encoding: { x: x('before'), x2: { field: 'after' }, color: colorOf(NEUTRAL) },
      },
      {
        mark: { type: 'point', size: 110, filled: true, fill: 'var(--paper)', stroke: DIM, strokeWidth: 2, opacity: 1 },
        encoding: { x: x('before') },
      },
      { mark: { type: 'point', size: 130, filled: true, color: ACCENT, opacity: 1 }, encoding: { x: x('after') } },
      {
        mark: { type: 'text', align: 'left', dx: 14, fontSize: 13, fontWeight: 600 },
        encoding: { x: x('end'), text: { field: 'label' }, color: colorOf(INK) },
      },
    ],
  });
}

export interface IntervalRow {
  readonly name: string;
  readonly value: number;
  /** Null where there is no interval: the point stands alone. */
  readonly low: number | null;
  readonly high: number | null;
  readonly label: string;
  /** Whether the difference is one, and for better or worse; without it the row has no colour. */
  readonly tone: 'good' | 'bad' | undefined;
}

/** One point a row with its interval, and a line at zero. */
export function intervalChart(rows: readonly IntervalRow[], axisTitle: string): TopLevelSpec {
  const values = rows.map((row) => ({ ...row, low: row.low ?? row.value, high: row.high ?? row.value, tone: row.tone ?? 'even' }));
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
