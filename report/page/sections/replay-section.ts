import { formatCount, formatList, formatPercent } from '../../../contract/figures';
import type { ReportData } from '../../gather/run-report';
import { columns, details, info, table, text, type Block, type Cell, type Section } from '../blocks';
import { barChart, type BarPart } from '../charts/bar-chart';

/** From what was asked for to what was kept, with every failure. */
export function replaySection({
  runId,
  synthesis,
  losses: failures,
  spec,
}: Pick<ReportData, 'runId' | 'synthesis' | 'losses' | 'spec'>): Section {
  const { instructions } = synthesis;
  const { generators, samples } = spec.synthesis.respond;
  return {
    id: 'replay',
    title: 'From instructions to the replay set',
    blocks: [
      text(
        `The target model ${spec.target.model} was sent nothing but its pre-query template, ${formatCount(instructions.asked)} times. ${formatList(generators)} answered ` +
          `each instruction ${samples === 1 ? 'once' : `${samples} times`}; ${formatList(spec.synthesis.judge.judges)} scored every answer; the answer with the highest mean was kept with its instruction.`,
      ),
      columns(funnel(instructions)),
      balanceTable(synthesis, failures),
      failureTable(failures),
      details(
        'How to get all of them',
        text('Every lost item with its reason and number of attempts, and every row of every stage, one JSON object a line:'),
        {
          kind: 'code',
          language: 'sh',
          text: ['failures', 'instructions', 'responses', 'judgments', 'replay', 'mixture']
            .map((stage) => `npx rehearse export ${runId} --stage ${stage}`)
            .join('\n'),
        },
      ),
    ],
  };
}

function funnel(instructions: ReportData['synthesis']['instructions']): Block {
  const { asked, extracted, lostAtExtraction, dropped, lostAtSelection, kept, pending } = instructions;
  const row = (name: string, value: number): BarPart[] => [
    { row: name, part: 'there', value },
    {
      row: name,
      part: 'gone',
      value: asked - value,
      label: `${formatCount(value)} (${formatPercent(asked === 0 ? null : value / asked, 0)})`,
    },
  ];
  return {
    kind: 'chart',
    title: 'Instructions',
    alt: `Of ${asked} instructions asked for, ${extracted} were extracted and ${kept} were kept; ${lostAtExtraction} were lost at extraction, ${dropped === 0 ? '' : `${dropped} dropped by filters, `}${lostAtSelection} at selection, ${pending} are not settled yet.`,
    spec: barChart(
      [
        ...row('asked for', asked),
        ...row('extracted', extracted),
        ...(dropped === 0 ? [] : row('let through by the filters', extracted - dropped)),
        ...row('kept', kept),
      ],
      { there: 'c1', gone: 'wash' },
      null,
    ),
    numbers: null,
  };
}

const GONE_AT = { extract: 'lost at extraction', filter: 'dropped by a filter', select: 'lost at selection' } as const;

/** What was asked for, line by line down to what was kept: the reader can add it up. */
function balanceTable({ instructions, responses, judgments, skips }: ReportData['synthesis'], failures: ReportData['losses']): Block {
  const lostAt = (stage: keyof typeof GONE_AT): (readonly Cell[])[] =>
    failures.filter((group) => group.stage === stage).map((group) => [`${GONE_AT[stage]}: ${group.reason}`, minus(group.count)]);
  return columns(
    table(
      'Instructions, adding up',
      ['', '>Count'],
      [
        ['asked for', formatCount(instructions.asked)],
        ...lostAt('extract'),
        ...lostAt('filter'),
        ...lostAt('select'),
        ...(instructions.pending > 0 ? [['not settled yet', minus(instructions.pending)]] : []),
      ],
      ['kept: the replay set', formatCount(instructions.kept)],
    ),
    table(
      'Answers and scores, adding up',
      ['', '>Answers', '>Scores'],
      [
        ['asked for', formatCount(responses.asked), formatCount(judgments.asked)],
        ['lost', minus(responses.lost), minus(judgments.lost)],
        ...(skips === undefined ? [] : [['not asked, could not win', '', minus(skips.skipped)]]),
        ...(responses.pending + judgments.pending > 0 ? [['not there yet', minus(responses.pending), minus(judgments.pending)]] : []),
      ],
      ['there', formatCount(responses.made), formatCount(judgments.made)],
    ),
  );
}

function failureTable(failures: ReportData['losses']): Block {
  if (failures.length === 0) return info('Nothing was lost.');
  return table(
    'Every failure, by stage and reason',
    ['Stage', 'Reason', '>Count', 'At', 'For example'],
    failures.map((group) => [
      group.stage,
      group.example === null
        ? group.reason
        : `${group.reason} (such as “${group.example.slice(group.reason.length).replace(/^: /, '') || group.example}”)`,
      formatCount(group.count),
      Object.entries(group.models)
        .map(([model, number]) => `${model} ${formatCount(number)}`)
        .join(', '),
      { text: group.ids.slice(0, 3).join(', '), tone: 'code' },
    ]),
  );
}

function minus(value: number): string {
  return value === 0 ? '0' : `−${formatCount(value)}`;
}
