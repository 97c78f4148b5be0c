import { filterQuery, type InstructionFilter, SORT_NAMES, type SortName } from '../queries/instruction-filter';
import { PAGE_ROWS, type Choices, type ListedInstruction } from '../queries/instruction-list';
import { renderPage, type Frame } from './layout';

/** What became of an instruction, in words. */
export const STATE_NAMES: Readonly<Record<string, string>> = {
  kept: 'kept',
  lost: 'not kept',
  dropped: 'dropped by a filter',
  open: 'in work',
};

const SORT_TEXTS: Readonly<Record<SortName, string>> = {
  id: 'as they were made',
  best: 'best score first',
  worst: 'worst score first',
  spread: 'judges most apart first',
  long: 'longest first',
  short: 'shortest first',
};

export interface ListPage {
  readonly filter: InstructionFilter;
  readonly choices: Choices;
  readonly rows: readonly ListedInstruction[];
  readonly found: number;
  readonly number: number;
  readonly flags: ReadonlyMap<string, string>;
}

export function listPage(frame: Frame, { filter, choices, rows, found, number, flags }: ListPage): string {
  const run = frame.root;
  const pages = Math.max(1, Math.ceil(found / PAGE_ROWS));
  const to = (page: number): string => `${run}/${filterQuery(filter, { page: page === 0 ? undefined : page })}`;
  return renderPage('@list', frame, {
    filter,
    choices,
    stateNames: STATE_NAMES,
    sorts: SORT_NAMES.map((name) => [name, SORT_TEXTS[name]]),
    found,
    number,
    pages,
    empty: emptyText(frame.state),
    previous: number === 0 ? null : to(number - 1),
    next: number + 1 >= pages ? null : to(number + 1),
    rows: rows.map((row) => ({
      ...row,
      text: row.text === null || row.chars === null || row.chars <= row.text.length ? row.text : `${row.text}…`,
      flag: flags.get(row.id) ?? null,
      stateText: row.dropped === null ? (STATE_NAMES[row.state] ?? row.state) : `dropped: ${row.dropped}`,
      href: `${run}/i/${row.id}${filterQuery(filter)}`,
    })),
  });
}

/** Why a list has no row. */
function emptyText({ instructions, busy }: Frame['state']): string {
  if (instructions > 0) return 'None is like that.';
  return busy
    ? 'The store is being read; the first instructions show in a moment.'
    : 'No instruction is stored yet. This page shows them as shards end.';
}
