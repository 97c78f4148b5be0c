import type { Preview, PreviewedWork } from '../activities/preview';
import { formatCount, formatDuration } from '../contract/figures';
import { healthSentence } from '../contract/health-sentence';
import { extractionHealth, isTruncated, type ExtractionHealth } from '../method/extraction-health';
import type { Judgment, Response } from '../method/records';
import { formatTable, plainText } from './terminal/output';

/** What the few extracted texts are like; null where none was. */
export function previewedExtraction({ instructions, failures }: Pick<Preview, 'instructions' | 'failures'>): ExtractionHealth | null {
  const truncated = failures.filter((failure) => failure.stage === 'extract' && isTruncated(failure)).length;
  return instructions.length + truncated === 0 ? null : extractionHealth(instructions, truncated);
}

/** Everything that a preview made, to be read: what models wrote is shown without what a terminal would obey. */
export function previewText(preview: Preview): string {
  const { instructions, failures } = preview;
  const extraction = previewedExtraction(preview);
  const texts = instructions.map((instruction, index) => {
    const own = preview.responses.filter(({ instructionId }) => instructionId === instruction.id);
    const kept = preview.replay.find(({ instructionId }) => instructionId === instruction.id);
    const means = own.map((response) => meanOf(preview, response)).filter((mean) => mean !== null);
    return [
      `── ${index + 1} of ${instructions.length} · ${instruction.id} · ${ended(instruction.finishReason)}`,
      indent(plainText(instruction.text), ''),
      ...own.map((response) => responseText(preview, response, kept?.responseId === response.id)),
      kept === undefined
        ? `   not kept: ${failures.find(({ id }) => id === instruction.id)?.reason ?? 'no response was chosen'}`
        : `   kept: ${kept.responseId}, mean score ${kept.meanScore.toFixed(2)} (all ${own.length}: ${means.map((mean) => mean.toFixed(2)).join(', ')})`,
    ].join('\n');
  });
  const lost = failures.map(
    ({ stage, id, model, reason }) => `  ${stage} ${id}${model === null ? '' : ` (${model})`}: ${plainText(reason)}`,
  );
  return [
    ...texts,
    ...(lost.length === 0 ? [] : ['── lost', ...lost]),
    ...(extraction === null
      ? []
      : ['── what was extracted', [healthSentence(extraction), ...extraction.warnings.map((warning) => `! ${warning}`)].join('\n')]),
    '── what it took',
    workTable(preview.work),
  ].join('\n\n');
}

function responseText(preview: Preview, response: Response, kept: boolean): string {
  const mean = meanOf(preview, response);
  const judgments = preview.judgments.filter(({ responseId }) => responseId === response.id);
  return [
    '',
    ` ${kept ? '★' : '·'} ${response.model}, sample ${response.sample + 1} · ${ended(response.finishReason)} · mean ${mean === null ? 'none' : mean.toFixed(2)}`,
    indent(plainText(response.text), '   '),
    ...judgments.map(judgmentText),
  ].join('\n');
}

function judgmentText({ judge, score, reason, raw }: Judgment): string {
  const read = score === null ? `no score (${plainText(reason ?? 'it says none')})` : score.toFixed(2).replace(/\.?0+$/, '');
  const written = plainText(raw).trim();
  return [`     ${judge}: ${read}`, ...(written === '' ? [] : [indent(written, '       ')])].join('\n');
}

function meanOf({ judgments }: Preview, response: Response): number | null {
  const scores = judgments.filter(({ responseId, score }) => responseId === response.id && score !== null).map(({ score }) => score!);
  return scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

function ended(reason: string | null): string {
  return reason === 'length' ? 'cut at its token limit' : `ended by ${reason ?? 'an unknown reason'}`;
}

function workTable(work: readonly PreviewedWork[]): string {
  const rows = work.map(({ stage, model, requests, promptTokens, completionTokens, usd, seconds, reused }) => [
    stage,
    model,
    formatCount(requests),
    formatCount(promptTokens),
    formatCount(completionTokens),
    usd === null ? 'no price' : `$${usd.toFixed(4)}`,
    reused ? 'stored before' : formatDuration(seconds * 1000),
  ]);
  const columns = ['stage', 'model', 'requests', 'prompt tokens', 'reply tokens', 'dollars', 'time'] as const;
  return formatTable(
    columns.map((name, index) => ({ name, align: index < 2 ? ('left' as const) : ('right' as const) })),
    rows,
  );
}

function indent(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => `${by}${line}`.trimEnd())
    .join('\n');
}
