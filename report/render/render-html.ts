import { formatDecimal } from '../../contract/figures';
import type { Example, ExampleResponse } from '../gather/examples';
import type { Block, ChartBlock, ReportPage } from '../page/blocks';
import { shortNames } from '../page/short-names';
import { omittedNote, rankedAnswers } from '../page/shown-example';
import { drawChart } from './draw-chart';
import { htmlEngine } from './html-engine';
import { HTML_STYLE } from './html-style';
import { HTML_TEMPLATES } from './html-template';
import { visibleText } from './visible-text';

/** What a plot takes of a page as wide as it gets, before its texts are scaled to the page's. */
const PAGE_WIDTH = 776;

/** One self-contained HTML page: no script, no request; a policy in the page forbids both. */
export async function renderHtml(page: ReportPage): Promise<string> {
  const drawings = new Map<ChartBlock, string>();
  // One after the other: a drawing is all computation.
  for (const { block, alone } of page.sections.flatMap((section) => section.blocks.flatMap((each) => chartsIn(each)))) {
    drawings.set(block, visibleText(alone ? await drawForPage(block.spec) : await drawChart(block.spec)));
  }
  const eta = htmlEngine(HTML_TEMPLATES);
  const prepared = { ...page, sections: page.sections.map((section) => ({ ...section, blocks: section.blocks.map(forTemplate) })) };
  return eta.render('@page', { page: prepared, style: HTML_STYLE, draw: (block: ChartBlock) => drawings.get(block) ?? '' });
}

/** Charts of a block, and whether each has the page's width for itself. */
function chartsIn(block: Block, alone = true): { readonly block: ChartBlock; readonly alone: boolean }[] {
  if (block.kind === 'chart') return [{ block, alone }];
  if (block.kind !== 'columns' && block.kind !== 'details') return [];
  const single = alone && (block.kind === 'details' || block.blocks.length === 1);
  return block.blocks.flatMap((each) => chartsIn(each, single));
}

/** A plot that has the page's width: drawn for it, and once more for screens that are narrower; the page's style shows one of them. */
async function drawForPage(spec: ChartBlock['spec']): Promise<string> {
  const narrow = await drawChart(spec);
  const wide = await drawChart(spec, { naturalWidth: PAGE_WIDTH });
  return wide === narrow ? narrow : `<div class="narrow">${narrow}</div><div class="wide">${wide}</div>`;
}

interface ShownExample extends Example {
  readonly answers: readonly ExampleResponse[];
  /** A judge's name where there is little room. */
  readonly short: (judge: string) => string;
  readonly score: (score: number | null) => string;
  readonly omitted: typeof omittedNote;
}

function forTemplate(block: Block): Block | { readonly kind: 'example'; readonly example: ShownExample } {
  if (block.kind !== 'example') return block;
  const answers = rankedAnswers(block.example);
  const judges = new Set(answers.flatMap(({ judgments }) => judgments.map(({ judge }) => judge)));
  return {
    kind: 'example',
    example: { ...block.example, answers, short: shortNames([...judges]), score: formatDecimal, omitted: omittedNote },
  };
}
