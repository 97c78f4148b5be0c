import { formatCount, formatErrors, formatRate, formatShortCount, formatUsd } from '../../contract/figures';
import { leftText, type StageProgress } from '../../contract/progress';

const STATE_MARKS = { waiting: '·', running: '▶', paused: '⏸', done: '✓' } as const;

const COLUMNS: readonly { readonly name: string; readonly right?: true; readonly cell: (row: StageProgress) => string }[] = [
  { name: 'stage', cell: ({ state, stage }) => `${STATE_MARKS[state]} ${stage}` },
  { name: 'model', cell: ({ model }) => model },
  { name: 'done', right: true, cell: ({ done, total }) => `${formatCount(done)} / ${formatCount(total)}` },
  { name: 'lost', right: true, cell: ({ failed }) => formatCount(failed) },
  { name: 'rate', right: true, cell: ({ perSecond }) => (perSecond === undefined ? '' : formatRate(perSecond)) },
  { name: 'left', right: true, cell: leftText },
  { name: 'errors', cell: ({ errors }) => formatErrors(errors) },
  {
    name: 'tokens',
    right: true,
    cell: ({ promptTokens, completionTokens }) =>
      promptTokens + completionTokens === 0 ? '' : formatShortCount(promptTokens + completionTokens),
  },
  { name: 'cost', right: true, cell: ({ usd }) => (usd === 0 ? '' : formatUsd(usd)) },
  { name: '', cell: ({ note = '' }) => note },
];

/** Words of people, endpoints and models as one line of plain text: nothing of them is Markdown, and no picture or link is made of them. */
export function markdownText(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_[\]<>!|&~#]/g, String.raw`\$&`);
}

/** The rows as a Markdown table, without columns that say nothing. The Web UI's is narrow, so its cells are kept on one line. */
export function markdownTable(rows: readonly StageProgress[]): string[] {
  const columns = COLUMNS.filter(({ cell }) => rows.some((row) => cell(row) !== ''));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ name }) => name)),
    line(columns.map(({ right }) => (right === true ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map(({ cell }) => cell(row).replaceAll(' ', '\u00a0')))),
  ];
}
