import type { TopLevelSpec } from 'vega-lite';

/** Colours are the page's CSS variables, so that one drawing serves light and dark. */
export const INK = 'var(--ink)';
export const DIM = 'var(--dim)';
export const ACCENT = 'var(--c1)';
export const NEUTRAL = 'var(--neutral)';

/** Pixels between the base lines of two labels. */
export const LABEL_GAP = 16;

const CONFIG = {
  aria: false,
  background: undefined,
  font: 'inherit',
  view: { stroke: null },
  axis: {
    domain: false,
    ticks: false,
    labelColor: DIM,
    titleColor: DIM,
    gridColor: 'var(--line)',
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelPadding: 6,
    titlePadding: 10,
  },
  header: { labelColor: INK, labelFontSize: 12, title: null },
  text: { color: INK, fontSize: 12 },
} as const;

const WIDTH = 350;

/**
 * A Vega-Lite spec in the page's style; what `spec` says takes precedence. Every plot draws its values as text on the marks, so that it
 * can be read without hovering.
 */
export function chart(spec: object): TopLevelSpec {
  return { width: WIDTH, autosize: { type: 'pad' }, background: 'transparent', config: CONFIG, ...spec } as TopLevelSpec;
}
