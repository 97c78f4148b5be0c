import { formatDecimal } from '../../contract/figures';
import { shortNames } from '../../report/page/short-names';
import type { InstructionDetail } from '../queries/instruction-detail';
import { filterQuery, type InstructionFilter } from '../queries/instruction-filter';
import { PAGE_ROWS } from '../queries/instruction-list';
import { renderPage, shownText, type Frame } from './layout';
import { STATE_NAMES } from './list-page';

export interface DetailPage {
  readonly detail: InstructionDetail;
  readonly filter: InstructionFilter;
  readonly around: { readonly before: string | null; readonly after: string | null; readonly place: number | null; readonly found: number };
  readonly flag: string | null;
  /** Whether texts are shown to their end, however long. */
  readonly whole: boolean;
  readonly samples: number;
}

export function detailPage(frame: Frame, { detail, filter, around, flag, whole, samples }: DetailPage): string {
  const run = frame.root;
  const query = filterQuery(filter);
  const to = (id: string | null): string | null => (id === null ? null : `${run}/i/${id}${query}`);
  const page = around.place === null ? 0 : Math.floor((around.place - 1) / PAGE_ROWS);
  const text = (value: string | null, none?: string) =>
    shownText(value, { none, whole: `${run}/i/${detail.id}${filterQuery(filter, { whole: 1 })}`, ...(whole ? { limit: Infinity } : {}) });
  const thoughts = (value: string | null) => (value === null || value === '' ? null : text(value));
  const judges = new Set(detail.answers.flatMap(({ judgments }) => judgments.map(({ judge }) => judge)));
  return renderPage('@detail', frame, {
    ...detail,
    flag,
    ...around,
    before: to(around.before),
    after: to(around.after),
    up: `${run}/${filterQuery(filter, { page: page === 0 ? undefined : page })}`,
    system: detail.system === null ? null : text(detail.system),
    text: text(detail.text, 'The instruction was lost before there was a text.'),
    reasoning: thoughts(detail.reasoning),
    stateText: detail.dropped === null ? (STATE_NAMES[detail.state] ?? detail.state) : `dropped by a filter: ${detail.dropped}`,
    columns: samples,
    short: shortNames([...judges]),
    score: formatDecimal,
    answers: detail.answers.map((answer) => ({
      ...answer,
      text: text(answer.text),
      reasoning: thoughts(answer.reasoning),
      judgments: answer.judgments.map((given) => ({
        ...given,
        raw: text(given.raw === '' ? null : given.raw, 'The judge wrote nothing.'),
        reasoning: thoughts(given.reasoning),
      })),
    })),
  });
}
