import type { Change } from '../../report/gather/change';
import { skillTitle, type KnownTable, type Share, type StudyRow } from './known-table';
import { SKILL_NAMES } from './skills';

/** The tables of one closed model, as Markdown. */
export function renderTable(table: KnownTable): string {
  return [
    markdown(
      ['skill', 'share of the texts', 'of the base', 'coverage', 'word for word', 'right in the replay set'],
      [
        ...table.recovery.map(({ skill, asked, base, coverage, verbatim, right }) => [
          skillTitle(skill),
          ...[asked, base, coverage, verbatim, right].map(counted),
        ]),
        ['none of them', counted(table.elsewhere), '', '', '', ''],
      ],
    ),
    markdown(
      ['row', ...SKILL_NAMES.map(skillTitle), 'all', 'forgotten / gained', 'p', 'new data, nats', 'steps, seconds', 'tokens of data'],
      table.rows.map(rowCells),
    ),
  ].join('\n\n');
}

function rowCells({ row, right, forgotten, gained, change, learned, cost }: StudyRow): string[] {
  return [
    `\`${row}\``,
    ...SKILL_NAMES.map((skill) => `${right[skill].count}/${right[skill].of}`),
    counted(right.all),
    change === null ? '' : `${forgotten} / ${gained}`,
    change === null ? '' : `${significant(change.adjustedP)}${verdict(change)}`,
    learned === null ? '' : `${signed(learned.value)}${interval(learned)}${verdict(learned)}`,
    cost.trainSeconds === null ? '' : `${cost.steps ?? 0}, ${Math.round(cost.trainSeconds)}`,
    cost.dataTokens === null ? '' : Math.round(cost.dataTokens).toLocaleString('en-US'),
  ];
}

function counted({ count, of, low, high }: Share): string {
  return of === 0 ? 'none' : `${count} of ${of} (${percent(low)}–${percent(high)})`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function interval({ low, high }: Change): string {
  return low === null || high === null ? '' : ` (${signed(low)} to ${signed(high)})`;
}

function verdict(change: Change): string {
  switch (change.verdict) {
    case 'differs':
      return '';
    case 'no difference seen':
      return change.smallest === null ? ', no difference seen' : `, no difference seen (${change.smallest.toPrecision(2)} would have been)`;
    case 'too few to say':
      return ', too few to say';
  }
}

function significant(p: number): string {
  return p >= 0.001 ? p.toPrecision(2) : p.toExponential(1);
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
