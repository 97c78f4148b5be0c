import type { TopLevelSpec } from 'vega-lite';
import { ACCENT, chart } from './chart-style';

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
