import { formatCount, formatCounted, formatList, NO_VALUE, formatPercent } from '../../../contract/figures';
import type { QualityRules } from '../../../method/quality/instruction-filter';
import type { QualityReport } from '../../gather/quality-report';
import type { ReportData } from '../../gather/run-report';
import { details, info, table, text, type Block, type Section } from '../blocks';

const MATCHES_SHOWN = 20;

/** What the filters dropped before anything was answered, by reason, with examples. Absent where the spec has no filter. */
export function qualitySection({ runId, synthesis }: Pick<ReportData, 'runId' | 'synthesis'>): Section[] {
  const { quality } = synthesis;
  if (quality === null) return [];
  const { judged, kept, dropped } = quality;
  const blocks: Block[] =
    judged === 0
      ? [info('The filters have not been applied yet.')]
      : [
          text(
            `Before anything was answered, ${formatCounted(judged, 'extracted instruction')} passed these filters: ${formatList(ruleTexts(quality.rules))}. ${formatCount(kept)} were kept (${formatPercent(kept / judged)}). The first filter that objects gives the reason. The paper filters none.`,
          ),
          dropped.length === 0 ? info('Nothing was dropped.') : dropTable(quality),
          ...(dropped.length === 0 ? [] : [exampleTable(quality)]),
          ...(quality.rules.decontaminate === undefined ? [] : matchBlocks(quality)),
          text(`All of them: npx rehearse export ${runId} --stage instructions, where “dropped” says why.`),
        ];
  return [{ id: 'quality', title: 'Instruction quality', blocks }];
}

function ruleTexts({ length, refusals, language, decontaminate, duplicates }: QualityRules): string[] {
  const bounds = Object.entries(length ?? {}).map(([name, value]) => `${name} ${value}`);
  return [
    ...(bounds.length === 0 ? [] : [`length (${bounds.join(', ')})`]),
    ...(refusals === true ? ['no refusals or greetings'] : []),
    ...(language === undefined ? [] : [`language ${formatList(language)}`]),
    ...(decontaminate === undefined ? [] : [`no ${decontaminate.ngram} words in a row with an evaluation set`]),
    ...(duplicates?.exact === true ? ['no repetitions'] : []),
    ...(duplicates?.near === undefined ? [] : [`no near duplicates (Jaccard similarity of ${duplicates.near.threshold} or more)`]),
  ];
}

function dropTable({ judged, kept, dropped }: QualityReport): Block {
  return table(
    'Instructions dropped, by reason',
    ['Reason', '>Count', '>Of those extracted'],
    [
      ['extracted', formatCount(judged), formatPercent(1)],
      ...dropped.map((group) => [group.reason, `−${formatCount(group.count)}`, formatPercent(group.count / judged)]),
    ],
    ['kept, and answered', formatCount(kept), formatPercent(kept / judged)],
  );
}

function exampleTable({ dropped }: QualityReport): Block {
  return details(
    'The first of each reason',
    table(
      'Dropped instructions',
      ['Reason', 'Instruction', 'Text', 'Because'],
      dropped.flatMap(({ reason, examples }) =>
        examples.map(({ instructionId, text: shown, detail }) => [
          reason,
          { text: instructionId, tone: 'code' as const },
          `${shown.text}${shown.omittedCharacters > 0 ? '…' : ''}`,
          detail === '' ? NO_VALUE : detail,
        ]),
      ),
    ),
  );
}

function matchBlocks({ matches }: QualityReport): Block[] {
  if (matches.length === 0) return [text('No instruction shares so many words in a row with an evaluation document.')];
  return [
    table(
      `Shared with an evaluation set (${matches.length > MATCHES_SHOWN ? `the first ${MATCHES_SHOWN} of ${formatCount(matches.length)}; all` : 'also'} in contamination.csv beside this page)`,
      ['Instruction', 'Task', 'Document', 'First shared words'],
      matches
        .slice(0, MATCHES_SHOWN)
        .map(({ instructionId, task, documentId, ngram }) => [
          { text: instructionId, tone: 'code' as const },
          task,
          { text: documentId, tone: 'code' as const },
          ngram,
        ]),
    ),
  ];
}
