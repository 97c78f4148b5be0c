import type { TopLevelSpec } from 'vega-lite';
import type { ScoreBin } from '../../../method/agreement';
import { ACCENT, chart, NEUTRAL } from './chart-style';

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
