import type { TopLevelSpec } from 'vega-lite';
import type { Example } from '../gather/examples';

/**
 * A report as blocks, from which the HTML page and the Markdown file are both made, so that they say the same. Every
 * text is plain: escaping is the renderers' alone.
 */
export interface ReportPage {
  readonly title: string;
  readonly subtitle: string;
  readonly state: { readonly text: string; readonly good: boolean };
  readonly figures: readonly Figure[];
  readonly notes: readonly NoteBlock[];
  readonly sections: readonly Section[];
  readonly footer: string;
}

/** One number of the headline. */
export interface Figure {
  readonly label: string;
  readonly value: string;
  readonly note: string;
  readonly tone?: Tone;
}

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export type Tone = 'good' | 'bad' | 'dim' | 'strong' | 'code';
export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Column {
  readonly name: string;
  readonly align?: 'right';
}

export interface TextBlock {
  readonly kind: 'text';
  readonly text: string;
}

export interface NoteBlock {
  readonly kind: 'note';
  readonly tone: 'info' | 'warning';
  readonly text: string;
}

export interface TableBlock {
  readonly kind: 'table';
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** Stands under the numbers, such as a sum. */
  readonly total?: readonly Cell[];
}

/** A plot, with the numbers that it shows for those who cannot see it. */
export interface ChartBlock {
  readonly kind: 'chart';
  readonly title: string;
  readonly alt: string;
  readonly legend?: readonly { readonly name: string; readonly mark: LegendMark }[];
  readonly spec: TopLevelSpec;
  /** Null where a table beside the chart says the same. */
  readonly numbers: TableBlock | null;
}

/** A colour of the page's palette, or the two ends of a dumbbell. */
export type LegendMark = 'c1' | 'c2' | 'c3' | 'c4' | 'c5' | 'c6' | 'neutral' | 'before' | 'after';

export interface DetailsBlock {
  readonly kind: 'details';
  readonly summary: string;
  readonly blocks: readonly Block[];
}

export interface CodeBlock {
  readonly kind: 'code';
  readonly language: string;
  readonly text: string;
}

/** Blocks side by side where there is room. */
export interface ColumnsBlock {
  readonly kind: 'columns';
  readonly blocks: readonly Block[];
}

export interface ExampleBlock {
  readonly kind: 'example';
  readonly example: Example;
}

export type Block = TextBlock | NoteBlock | TableBlock | ChartBlock | DetailsBlock | CodeBlock | ColumnsBlock | ExampleBlock;

export const text = (value: string): TextBlock => ({ kind: 'text', text: value });
export const info = (value: string): NoteBlock => ({ kind: 'note', tone: 'info', text: value });
export const warning = (value: string): NoteBlock => ({ kind: 'note', tone: 'warning', text: value });
export const details = (summary: string, ...blocks: readonly Block[]): DetailsBlock => ({ kind: 'details', summary, blocks });
export const columns = (...blocks: readonly Block[]): ColumnsBlock => ({ kind: 'columns', blocks });

/** A table from its header line: a name that starts with `>` is aligned to the right. */
export function table(caption: string, header: readonly string[], rows: readonly (readonly Cell[])[], total?: readonly Cell[]): TableBlock {
  return {
    kind: 'table',
    caption,
    rows,
    columns: header.map((name) => (name.startsWith('>') ? { name: name.slice(1), align: 'right' } : { name })),
    ...(total === undefined ? {} : { total }),
  };
}
