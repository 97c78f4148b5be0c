import { excerpt } from '../../report/gather/examples';
import { canBeExcluded, sourceId } from '../../services/data/excluded-rows';
import { PAGE_ROWS } from '../queries/instruction-list';
import type { TrainingFilter, TrainingRowPlace, TrainingRows, Turn } from '../queries/training-rows';
import { renderPage, shownText, type Frame } from './layout';

const LISTED_CHARACTERS = 300;

/** What a link says of the list that it is in. */
function queryOf(filter: TrainingFilter, change: Readonly<Record<string, string | number>> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...filter, ...change })) {
    if (value !== null && value !== '') query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}

export function rowsPage(
  frame: Frame,
  list: TrainingRows & { readonly filter: TrainingFilter; readonly number: number; readonly flags: ReadonlyMap<string, string> },
): string {
  const { filter, found, number, flags } = list;
  const to = (page: number): string => `${frame.runRoot}/rows${queryOf(filter, page === 0 ? {} : { page })}`;
  const pages = Math.max(1, Math.ceil(found / PAGE_ROWS));
  return renderPage('@rows', frame, {
    ...list,
    pages,
    none: list.variants.length === 0 ? 'No row of the table has a replay set or a mixture of its own yet.' : 'None is like that.',
    previous: number === 0 ? null : to(number - 1),
    next: number + 1 >= pages ? null : to(number + 1),
    rows: list.rows.map((row) => ({
      ...row,
      name: sourceId(row.id),
      flag: flags.get(sourceId(row.id)) ?? null,
      href: `${frame.runRoot}/rows/${encodeURIComponent(row.id)}${queryOf(filter)}`,
      text: excerpt(textOf(row.messages.find(({ role }) => role === 'user') ?? row.messages[0]), LISTED_CHARACTERS).text,
      turns: row.messages.length,
      calls: row.messages.reduce((sum, { tool_calls: calls }) => sum + (calls?.length ?? 0), 0),
    })),
  });
}

export function rowPage(
  frame: Frame,
  {
    filter,
    shown,
    whole,
    flags,
  }: {
    readonly filter: TrainingFilter;
    readonly shown: TrainingRowPlace;
    readonly whole: boolean;
    readonly flags: ReadonlyMap<string, string>;
  },
): string {
  const { row, before, after, place, found } = shown;
  const to = (id: string | null): string | null =>
    id === null ? null : `${frame.runRoot}/rows/${encodeURIComponent(id)}${queryOf(filter)}`;
  const page = Math.floor((place - 1) / PAGE_ROWS);
  const text = (value: string) =>
    shownText(value, {
      whole: `${frame.runRoot}/rows/${encodeURIComponent(row.id)}${queryOf(filter, { whole: 1 })}`,
      ...(whole ? { limit: Infinity } : {}),
    });
  return renderPage('@row', frame, {
    ...row,
    place,
    found,
    flag: flags.get(sourceId(row.id)) ?? null,
    canBeFlagged: canBeExcluded(sourceId(row.id)),
    before: to(before),
    after: to(after),
    up: `${frame.runRoot}/rows${queryOf(filter, page === 0 ? {} : { page })}`,
    tools: row.tools === null || row.tools.length === 0 ? null : text(JSON.stringify(row.tools, null, 2)),
    turns: row.messages.map((turn) => ({
      role: turn.role,
      text: textOf(turn) === '' ? null : text(textOf(turn)),
      reasoning: typeof turn.reasoning_content === 'string' && turn.reasoning_content !== '' ? text(turn.reasoning_content) : null,
      calls: (turn.tool_calls ?? []).map((call) => text(JSON.stringify(call, null, 2))),
      untrained: turn.role === 'assistant' && (turn['weight'] === 0 || turn['train'] === false),
    })),
  });
}

/** What a turn says; parts that are no text as JSON. */
function textOf(turn: Turn | undefined): string {
  const content = turn?.content;
  if (content === undefined || content === null) return '';
  return typeof content === 'string' ? content : JSON.stringify(content, null, 2);
}
