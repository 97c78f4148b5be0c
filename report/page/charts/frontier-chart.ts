import type { TopLevelSpec } from 'vega-lite';
import { chart, DIM, INK, LABEL_GAP } from './chart-style';
import { spreadLabels } from './spread-labels';
import type { TONE_MARKS, VariantTone } from './variant-charts';

export interface FrontierMark {
  readonly name: string;
  readonly mark: (typeof TONE_MARKS)[VariantTone] | 'ink';
  readonly gain: number;
  readonly forgetting: number;
  /** Null where there is no interval. */
  readonly gainInterval: readonly [low: number, high: number] | null;
  readonly forgettingInterval: readonly [low: number, high: number] | null;
}

const HEIGHT = 380;
const WIDTH = 560;

/** Parts of the axis of gain: labels within one are moved apart, since they would overlap. */
const PARTS = 3;

/**
 * What each row learned against what it forgot, with both intervals: the best place is at the bottom right. A dashed staircase goes through
 * the rows that no other one beats; thin lines join rows that differ in one setting.
 * @param front names of rows by rising gain
 */
export function frontierChart(
  points: readonly FrontierMark[],
  front: readonly string[],
  lines: readonly (readonly string[])[],
): TopLevelSpec {
  const [left, right] = range(points.flatMap(({ gain, gainInterval }) => [gain, ...(gainInterval ?? [])]));
  const [low, high] = range(points.flatMap(({ forgetting, forgettingInterval }) => [forgetting, ...(forgettingInterval ?? [])]));
  // Room for the labels at the right of the points.
  const end = right + 0.35 * (right - left);
  const part = ({ gain }: FrontierMark): number => Math.min(PARTS - 1, Math.floor(((gain - left) / (right - left)) * PARTS));
  const values = Array.from({ length: PARTS }, (_, index) => points.filter((point) => part(point) === index)).flatMap((group) => {
    const places = spreadLabels(
      group.map(({ forgetting }) => forgetting),
      { gap: (LABEL_GAP / HEIGHT) * (high - low), low, high },
    );
    return group.map((point, index) => ({
      ...point,
      gainLow: point.gainInterval?.[0] ?? point.gain,
      gainHigh: point.gainInterval?.[1] ?? point.gain,
      forgettingLow: point.forgettingInterval?.[0] ?? point.forgetting,
      forgettingHigh: point.forgettingInterval?.[1] ?? point.forgetting,
      beside: (point.gainInterval?.[1] ?? point.gain) + 0.015 * (end - left),
      place: places[index]!,
    }));
  });
  const byName = new Map(points.map((point) => [point.name, point]));
  const along = (names: readonly string[], line: number): object[] =>
    names.flatMap((name, order) =>
      byName.has(name) ? [{ line, order, gain: byName.get(name)!.gain, forgetting: byName.get(name)!.forgetting }] : [],
    );
  const x = (field: string): object => ({
    field,
    type: 'quantitative',
    title: 'learned of the new data, nats a token',
    scale: { domain: [left, end], nice: false },
    axis: { tickCount: 6, grid: false },
  });
  const y = (field: string): object => ({
    field,
    type: 'quantitative',
    title: 'forgotten, nats a token',
    scale: { domain: [low, high], nice: false },
    axis: { tickCount: 6 },
  });
  const marks = [...new Set(points.map(({ mark }) => mark))];
  const color = { field: 'mark', type: 'nominal', legend: null, scale: { domain: marks, range: marks.map((mark) => `var(--${mark})`) } };
  return chart({
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    layer: [
      { data: { values: [{ zero: 0 }] }, mark: { type: 'rule', stroke: INK, strokeDash: [3, 3] }, encoding: { y: y('zero') } },
      {
        data: { values: lines.flatMap(along) },
        mark: { type: 'line', strokeWidth: 1.2, stroke: DIM, opacity: 0.8 },
        encoding: {
          x: x('gain'),
          y: y('forgetting'),
          detail: { field: 'line', type: 'nominal' },
          order: { field: 'order', type: 'quantitative' },
        },
      },
      {
        data: { values: along(front, 0) },
        mark: { type: 'line', interpolate: 'step-before', strokeWidth: 2, strokeDash: [6, 4], stroke: INK },
        encoding: { x: x('gain'), y: y('forgetting'), order: { field: 'order', type: 'quantitative' } },
      },
      {
        mark: { type: 'rule', opacity: 0.5, strokeWidth: 2 },
        encoding: { x: x('gainLow'), x2: { field: 'gainHigh' }, y: y('forgetting'), color },
      },
      {
        mark: { type: 'rule', opacity: 0.5, strokeWidth: 2 },
        encoding: { x: x('gain'), y: y('forgettingLow'), y2: { field: 'forgettingHigh' }, color },
      },
      {
        mark: { type: 'rule', strokeWidth: 1, opacity: 0.35 },
        encoding: { x: x('gain'), x2: { field: 'beside' }, y: y('forgetting'), y2: { field: 'place' }, color },
      },
      { mark: { type: 'point', filled: true, size: 100, opacity: 1 }, encoding: { x: x('gain'), y: y('forgetting'), color } },
      {
        mark: { type: 'text', align: 'left', dx: 3, fontSize: 12, limit: 200 },
        encoding: { x: x('beside'), y: y('place'), text: { field: 'name' }, color },
      },
    ],
  });
}

/** A range that holds 0 and all values, with some air. */
function range(values: readonly number[]): [number, number] {
  const [lowest, highest] = [Math.min(0, ...values), Math.max(0, ...values)];
  const air = 0.06 * (highest - lowest || 1);
  return [lowest - air, highest + air];
}
