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

/** One self-contained HTML page: no script, no request; a policy in the page forbids both. */
export async function renderHtml(page: ReportPage): Promise<string> {
  const drawings = new Map<ChartBlock, string>();
  // One after the other: a drawing is all computation.
  for (const block of page.sections.flatMap((section) => section.blocks.flatMap(chartsIn))) {
    drawings.set(block, visibleText(await drawChart(block.spec)));
  }
  const eta = htmlEngine(HTML_TEMPLATES);
  const prepared = { ...page, sections: page.sections.map((section) => ({ ...section, blocks: section.blocks.map(forTemplate) })) };
  return eta.render('@page', { page: prepared, style: HTML_STYLE, draw: (block: ChartBlock) => drawings.get(block) ?? '' });
}

function chartsIn(block: Block): ChartBlock[] {
  if (block.kind === 'chart') return [block];
  return block.kind === 'columns' || block.kind === 'details' ? block.blocks.flatMap(chartsIn) : [];
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
