import { formatDecimal } from '../../contract/figures';
import type { Example, ExampleResponse, Excerpt } from '../gather/examples';
import type { Block, Cell, ReportPage, TableBlock } from '../page/blocks';
import { omittedNote, rankedAnswers } from '../page/shown-example';
import { markdownFence, markdownInline, markdownParagraph } from './markdown-text';

/** The report as GitHub-flavoured Markdown; plots become the tables of their numbers. */
export function renderMarkdown(page: ReportPage): string {
  const parts = [
    `# ${markdownInline(page.title)}`,
    `**${markdownInline(page.state.text)}.** ${markdownInline(page.subtitle)}`,
    tableLines(
      ['', '', ''],
      page.figures.map(({ label, value, note }) => [label, { text: value, tone: 'strong' }, note]),
      ['left', 'right', 'left'],
    ),
    ...page.notes.map(blockText),
    ...page.sections.flatMap(({ title, blocks }) => [`## ${markdownInline(title)}`, ...blocks.map(blockText)]),
    '---',
    markdownParagraph(page.footer),
  ];
  return `${parts.join('\n\n')}\n`;
}

function blockText(block: Block): string {
  switch (block.kind) {
    case 'text':
      return markdownParagraph(block.text);
    case 'note':
      return `> ${block.tone === 'warning' ? '**Note.** ' : ''}${markdownParagraph(block.text)}`;
    case 'code':
      return markdownFence(block.text, block.language);
    case 'columns':
      return block.blocks.map(blockText).join('\n\n');
    case 'details':
      return [`### ${markdownInline(block.summary)}`, ...block.blocks.map(blockText)].join('\n\n');
    case 'table':
      return tableText(block);
    case 'chart':
      return block.numbers === null
        ? `**${markdownInline(block.title)}.** ${markdownInline(block.alt)}`
        : tableText({ ...block.numbers, caption: block.title });
    case 'example':
      return exampleText(block.example);
  }
}

function tableText({ caption, columns, rows, total }: TableBlock): string {
  const strong = (cell: Cell): Cell => ({ text: typeof cell === 'string' ? cell : cell.text, tone: 'strong' });
  return `**${markdownInline(caption)}**\n\n${tableLines(
    columns.map(({ name }) => name),
    [...rows, ...(total === undefined ? [] : [total.map(strong)])],
    columns.map(({ align }) => align ?? 'left'),
  )}`;
}

function tableLines(header: readonly string[], rows: readonly (readonly Cell[])[], aligns: readonly ('left' | 'right')[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(header.map(markdownInline)),
    line(aligns.map((align) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(cellText))),
  ].join('\n');
}

function cellText(cell: Cell): string {
  if (typeof cell === 'string') return markdownInline(cell);
  const shown = markdownInline(cell.text);
  return cell.tone === 'strong' && shown !== '' ? `**${shown}**` : shown;
}

function exampleText(example: Example): string {
  const { instructionId, instruction, lost, tied } = example;
  const answers = rankedAnswers(example);
  const judges = [...new Set(answers.flatMap(({ judgments }) => judgments.map(({ judge }) => judge)))];
  const remarks = [...(lost === null ? [] : [`not kept: ${lost}`]), ...(tied ? ['a tie, decided by the seed'] : [])];
  return [
    `### Instruction ${markdownInline(instructionId)}${remarks.length === 0 ? '' : ` (${markdownInline(remarks.join('; '))})`}`,
    excerptText(instruction),
    tableLines(
      ['Answer', 'Mean', ...judges, ''],
      answers.map((answer) => [
        nameOf(answer),
        formatDecimal(answer.meanScore),
        ...judges.map((judge) => formatDecimal(answer.judgments.find((each) => each.judge === judge)?.score)),
        remark(answer),
      ]),
      ['left', 'right', ...judges.map(() => 'right' as const), 'left'],
    ),
    ...answers.flatMap((answer) =>
      answer.text === null
        ? []
        : [
            `#### ${markdownInline(nameOf(answer))}: ${markdownInline(formatDecimal(answer.meanScore))}${answer.winner ? ' (kept)' : ''}`,
            excerptText(answer.text),
          ],
    ),
  ].join('\n\n');
}

function nameOf({ generator, sample }: ExampleResponse): string {
  return `${generator}, answer ${sample + 1}`;
}

function remark({ winner, truncated, missing }: ExampleResponse): string {
  return [
    ...(winner ? ['kept'] : []),
    ...(truncated ? ['cut at the limit'] : []),
    ...(missing === null ? [] : [`no answer: ${missing}`]),
  ].join('; ');
}

function excerptText(excerpt: Excerpt): string {
  const omitted = omittedNote(excerpt);
  return `${markdownFence(excerpt.text)}${omitted === '' ? '' : `\n\n${omitted}.`}`;
}
