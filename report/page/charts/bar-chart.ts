import type { TopLevelSpec } from 'vega-lite';
import { chart, DIM, INK } from './chart-style';

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
