import type { TopLevelSpec } from 'vega-lite';
import type { VariantKind } from '../../gather/variant-kind';
import { chart, DIM, INK, LABEL_GAP } from './chart-style';
import { spreadLabels } from './spread-labels';

/** The plots that set variants beside each other, as Vega-Lite specs. */

/** What a variant is, by which plots colour it. */
export type VariantTone = 'method' | 'ablation' | 'other' | 'none' | 'between';

export const TONE_MARKS = { method: 'c1', ablation: 'c2', other: 'c6', none: 'c4', between: 'c3' } as const;

export const LEGEND_NAMES = {
  method: 'method',
  ablation: 'ablations',
  other: 'other sets',
  none: 'no replay',
  between: 'interpolated',
} as const satisfies Record<VariantTone, string>;

/** The colour of a variant by where its replay set comes from. */
export function toneOfKind(kind: VariantKind): VariantTone {
  switch (kind) {
    case 'method':
      return 'method';
    case 'first-response':
    case 'target-best':
      return 'ablation';
    case 'none':
      return 'none';
    case 'interpolate':
      return 'between';
    default:
      return 'other';
  }
}

const TONE_COLOR = {
  field: 'tone',
  type: 'nominal',
  legend: null,
  scale: { domain: Object.keys(TONE_MARKS), range: Object.values(TONE_MARKS).map((mark) => `var(--${mark})`) },
} as const;

export interface Slope {
  readonly name: string;
  readonly tone: VariantTone;
  readonly score: number;
  /** Stands at the end of the line. */
  readonly label: string;
}

/** Lines from the official model's score to that of each variant; labels at their ends, moved apart where they would overlap. */
export function slopeChart(official: number, slopes: readonly Slope[], axisTitle: string): TopLevelSpec {
  const height = Math.max(190, LABEL_GAP * (slopes.length + 1));
  const [low, high] = scoreRange([official, ...slopes.map(({ score }) => score)]);
  const places = spreadLabels(
    slopes.map(({ score }) => score),
    { gap: (LABEL_GAP / height) * (high - low), low, high },
  );
  const values = slopes.map((slope, index) => ({ ...slope, from: 0, to: 1, bend: 1.1, official, place: places[index]! }));
  const x = (field: string): object => ({
    field,
    type: 'quantitative',
    scale: { domain: [0, 1.15], nice: false },
    title: null,
    axis: { orient: 'bottom', values: [0, 1], labelExpr: "datum.value < 0.5 ? 'official' : 'trained'", grid: true, labelColor: INK },
  });
  const y = (field: string): object => ({
    field,
    type: 'quantitative',
    title: axisTitle,
    scale: { domain: [low, high], nice: false, zero: false },
    axis: { tickCount: 5, grid: false },
  });
  const width = {
    field: 'tone',
    type: 'nominal',
    legend: null,
    scale: { domain: Object.keys(TONE_MARKS), range: [3, 1.8, 1.8, 1.8, 1.8] },
  };
  return chart({
    width: 190,
    height,
    data: { values },
    layer: [
      {
        mark: { type: 'rule', opacity: 0.85 },
        encoding: { x: x('from'), x2: { field: 'to' }, y: y('official'), y2: { field: 'score' }, color: TONE_COLOR, strokeWidth: width },
      },
      {
        mark: { type: 'rule', strokeWidth: 1, opacity: 0.5 },
        encoding: { x: x('to'), x2: { field: 'bend' }, y: y('score'), y2: { field: 'place' }, color: TONE_COLOR },
      },
      { mark: { type: 'point', filled: true, size: 60, opacity: 1 }, encoding: { x: x('to'), y: y('score'), color: TONE_COLOR } },
      {
        mark: { type: 'text', align: 'left', dx: 5, fontSize: 12, limit: 220 },
        encoding: { x: x('bend'), y: y('place'), text: { field: 'label' }, color: TONE_COLOR },
      },
      {
        data: { values: [{ from: 0, official }] },
        mark: { type: 'point', filled: true, size: 80, opacity: 1, color: INK },
        encoding: { x: x('from'), y: y('official') },
      },
    ],
  });
}

/** Bars to the left for what was forgotten, to the right for what was gained. */
export function transitionsChart(
  rows: readonly { readonly name: string; readonly forgotten: number; readonly learned: number }[],
): TopLevelSpec {
  const values = rows.flatMap(({ name, forgotten, learned }) => [
    { name, kind: 'forgotten', value: -forgotten, label: String(forgotten) },
    { name, kind: 'learned', value: learned, label: String(learned) },
  ]);
  const y = {
    field: 'name',
    type: 'nominal',
    sort: rows.map(({ name }) => name),
    title: null,
    axis: { labelColor: INK, labelFontSize: 13, labelLimit: 230 },
  };
  // A third of the longest bar is left free on either side for its number.
  const end = 1.3 * Math.max(1, ...rows.flatMap(({ forgotten, learned }) => [forgotten, learned]));
  const x = {
    field: 'value',
    type: 'quantitative',
    title: 'documents',
    scale: { domain: [-end, end], nice: false },
    axis: { tickCount: 5, tickMinStep: 1, labelExpr: 'abs(datum.value)' },
  };
  const label = (kind: string, align: string, dx: number): object => ({
    transform: [{ filter: { field: 'kind', equal: kind } }],
    mark: { type: 'text', align, dx, color: DIM },
    encoding: { y, x, text: { field: 'label' } },
  });
  return chart({
    width: 300,
    height: { step: 28 },
    data: { values },
    layer: [
      {
        mark: { type: 'bar', height: { band: 0.6 } },
        encoding: {
          y,
          x,
          color: {
            field: 'kind',
            type: 'nominal',
            legend: null,
            scale: { domain: ['forgotten', 'learned'], range: ['var(--c4)', 'var(--c2)'] },
          },
        },
      },
      label('forgotten', 'right', -5),
      label('learned', 'left', 5),
    ],
  });
}

export interface CostPoint {
  readonly name: string;
  readonly tone: VariantTone;
  /** In the unit of the axis. */
  readonly cost: number;
  readonly value: number;
}

/** Parts of the cost axis: labels within one are moved apart, since they would overlap. */
const COST_PARTS = 4;

/** What a variant's data cost against what was forgotten; the best place is at the top left. */
export function costChart(points: readonly CostPoint[], titles: { readonly x: string; readonly y: string }): TopLevelSpec {
  const height = 260;
  const [low, high] = scoreRange([0, ...points.map(({ value }) => value)]);
  const dearest = Math.max(...points.map(({ cost }) => cost));
  const end = dearest === 0 ? 1 : dearest;
  const part = ({ cost }: CostPoint): number => Math.min(COST_PARTS - 1, Math.floor((cost / end) * COST_PARTS));
  const values = Array.from({ length: COST_PARTS }, (_, index) => points.filter((point) => part(point) === index)).flatMap((group) => {
    const places = spreadLabels(
      group.map(({ value }) => value),
      { gap: (LABEL_GAP / height) * (high - low), low, high },
    );
    const right = Math.max(...group.map(({ cost }) => cost)) + end * 0.035;
    return group.map((point, index) => ({ ...point, right, place: places[index]! }));
  });
  const x = (field: string): object => ({
    field,
    type: 'quantitative',
    title: titles.x,
    scale: { domain: [-end * 0.03, end * 1.05], nice: false },
    axis: { tickCount: 5, labelExpr: "format(datum.value, '~s')", grid: true },
  });
  const y = (field: string): object => ({
    field,
    type: 'quantitative',
    title: titles.y,
    scale: { domain: [low, high], nice: false },
    axis: { tickCount: 5, grid: false },
  });
  return chart({
    height,
    data: { values },
    layer: [
      { data: { values: [{ zero: 0 }] }, mark: { type: 'rule', stroke: INK, strokeDash: [3, 3] }, encoding: { y: y('zero') } },
      {
        mark: { type: 'rule', strokeWidth: 1, opacity: 0.5 },
        encoding: { x: x('cost'), x2: { field: 'right' }, y: y('value'), y2: { field: 'place' }, color: TONE_COLOR },
      },
      { mark: { type: 'point', filled: true, size: 90, opacity: 1 }, encoding: { x: x('cost'), y: y('value'), color: TONE_COLOR } },
      {
        mark: { type: 'text', align: 'left', dx: 3, fontSize: 12, limit: 160 },
        encoding: { x: x('right'), y: y('place'), text: { field: 'name' }, color: TONE_COLOR },
      },
    ],
  });
}

/** A range that holds all values with some air, and at least two points wide: differences of nothing are to look like nothing. */
function scoreRange(values: readonly number[]): [number, number] {
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  const air = Math.max(0.08 * (highest - lowest), (2 - (highest - lowest)) / 2, 0.1);
  return [lowest - air, highest + air];
}
