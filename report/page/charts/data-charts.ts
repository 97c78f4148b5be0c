import type { TopLevelSpec } from 'vega-lite';
import type { LengthReport, TopicReport } from '../../gather/data-report';
import { chart, INK } from './chart-style';

/** The plots of what was trained on, as Vega-Lite specs. */

const SOURCE_COLOR = {
  field: 'source',
  type: 'nominal',
  legend: null,
  scale: { domain: ['replay', 'new'], range: ['var(--c1)', 'var(--c3)'] },
} as const;

/** A map of conversations with the numbers of their topics; its axes have no unit, only nearness counts. */
export function topicChart({ points, topics }: TopicReport): TopLevelSpec {
  const axis = (field: string): object => ({ field, type: 'quantitative', axis: null, scale: { zero: false, nice: true } });
  const place = { x: axis('x'), y: axis('y') };
  return chart({
    width: 460,
    height: 360,
    data: { values: points },
    layer: [
      // New data is drawn last, and larger: it is the smaller part.
      {
        transform: [{ filter: { field: 'source', equal: 'replay' } }],
        mark: { type: 'point', filled: true, size: 28, opacity: 0.55 },
        encoding: { ...place, color: SOURCE_COLOR },
      },
      {
        transform: [{ filter: { field: 'source', equal: 'new' } }],
        mark: { type: 'point', filled: true, shape: 'diamond', size: 60, opacity: 0.85 },
        encoding: { ...place, color: SOURCE_COLOR },
      },
      {
        data: { values: topics.map(({ x, y }, index) => ({ x, y, name: String(index + 1) })) },
        layer: [
          { mark: { type: 'point', filled: true, size: 420, color: 'var(--paper)', opacity: 0.85 }, encoding: place },
          { mark: { type: 'text', fontSize: 15, fontWeight: 700, color: INK }, encoding: { ...place, text: { field: 'name' } } },
        ],
      },
    ],
  });
}

/** Lengths on a scale where each step is twice the last, as parts of the conversations of either source. */
export function lengthChart(lengths: readonly LengthReport[]): TopLevelSpec {
  const values = lengths.flatMap(({ source, bins }) => {
    const all = bins.reduce((sum, { count }) => sum + count, 0);
    return bins.map(({ from, count }) => ({ source, from, label: lengthLabel(from), percent: (count / all) * 100 }));
  });
  const froms = [...new Set(values.map(({ from }) => from))].sort((a, b) => a - b);
  return chart({
    height: 170,
    data: { values },
    mark: { type: 'bar', binSpacing: 1 },
    encoding: {
      x: {
        field: 'label',
        type: 'nominal',
        sort: froms.map(lengthLabel),
        title: 'characters (k = 1024), from … to less than twice as many',
        axis: { labelAngle: 0 },
      },
      xOffset: { field: 'source', sort: ['replay', 'new'] },
      y: { field: 'percent', type: 'quantitative', title: '% of conversations', axis: { tickCount: 4 } },
      color: SOURCE_COLOR,
    },
  });
}

function lengthLabel(from: number): string {
  return from < 1024 ? String(from) : `${from / 1024}k`;
}
