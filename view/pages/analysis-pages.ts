import { formatDecimal } from '../../contract/figures';
import { shortNames } from '../../report/page/short-names';
import type { DisputedAnswer, JudgePair } from '../queries/disagreement';
import type { DocumentsReport } from '../queries/documents';
import { PAGE_ROWS } from '../queries/instruction-list';
import type { Place, TopicRow } from '../queries/topics';
import type { SharedInstruction, TwoRuns } from '../queries/two-runs';
import { renderPage, shownText, type Frame } from './layout';

const decimal = (value: number | null): string => (value === null ? '–' : formatDecimal(value));

/** Links to the pages around one; a page that is not full is the last. */
function pager(link: (page: number) => string, number: number, rows: number) {
  return { previous: number === 0 ? null : link(number - 1), next: rows < PAGE_ROWS ? null : link(number + 1) };
}

export interface JudgesPage {
  readonly judges: readonly string[];
  readonly pairs: readonly JudgePair[];
  readonly pair: { readonly a: number; readonly b: number } | undefined;
  readonly rows: readonly DisputedAnswer[];
  readonly number: number;
}

export function judgesPage(frame: Frame, { judges, pairs, pair, rows, number }: JudgesPage): string {
  const run = frame.root;
  const short = shortNames([...judges]);
  const query = pair === undefined ? '' : `a=${pair.a}&b=${pair.b}&`;
  return renderPage('@judges', frame, {
    decimal,
    chosen: pair !== undefined,
    pairs: pairs.map((each) => ({
      ...each,
      chosen: each.a === pair?.a && each.b === pair.b,
      names: `${judges[each.a]} and ${judges[each.b]}`,
      href: `${run}/judges?a=${each.a}&b=${each.b}`,
    })),
    rows: rows.map((row) => ({ ...row, given: judges.map((judge, at) => [short(judge), row.scores[at] ?? null]) })),
    ...pager((page) => `${run}/judges?${query}page=${page}`, number, rows.length),
  });
}

const MAP = { width: 1000, height: 620, edge: 40 };

export function topicsPage(
  frame: Frame,
  { topics, places }: { readonly topics: readonly TopicRow[]; readonly places: readonly Place[] },
): string {
  const x = scale(
    places.map((place) => place.x),
    MAP.edge,
    MAP.width - MAP.edge,
  );
  const y = scale(
    places.map((place) => place.y),
    MAP.height - MAP.edge,
    MAP.edge,
  );
  const placed = <T extends { readonly x: number; readonly y: number }>(each: T) => ({
    ...each,
    cx: x(each.x).toFixed(1),
    cy: y(each.y).toFixed(1),
  });
  return renderPage('@topics', frame, {
    decimal,
    none: 'A map takes fifteen instructions; it shows as soon as there are.',
    topics: topics.map(placed),
    places: places.map(placed),
  });
}

/** From the range of some values to a range of the picture. */
function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const least = Math.min(...values);
  const most = Math.max(...values);
  return (value) => from + ((value - least) / (most - least || 1)) * (to - from);
}

export interface ComparePage {
  readonly others: readonly string[];
  readonly other: string | undefined;
  readonly compared: { readonly totals: TwoRuns; readonly rows: readonly SharedInstruction[] } | undefined;
  readonly number: number;
}

export function comparePage(frame: Frame, { others, other, compared, number }: ComparePage): string {
  const { base, runId } = frame;
  const link = (run: string, id: string): string => `${base}/${encodeURIComponent(run)}/i/${id}`;
  return renderPage('@compare', frame, {
    decimal,
    runId,
    others,
    other,
    none: others.length === 0 ? 'The store has no other run.' : 'Choose a run to put beside this one.',
    totals: compared?.totals ?? null,
    rows: (compared?.rows ?? []).map((row) => ({
      ...row,
      sides: [
        { run: runId, href: link(runId, row.id), generator: row.generatorA, mean: row.meanA, answer: row.answerA },
        { run: other!, href: link(other!, row.id), generator: row.generatorB, mean: row.meanB, answer: row.answerB },
      ],
    })),
    ...pager((page) => `${frame.runRoot}/compare?with=${encodeURIComponent(other ?? '')}&page=${page}`, number, compared?.rows.length ?? 0),
  });
}

/** Documents of a task that a page shows without being asked for all. */
const SHOWN_DOCUMENTS = 25;
const ANSWER_CHARACTERS = 4_000;

export function documentsPage(frame: Frame, { variants, variant, tasks }: DocumentsReport, whole: boolean): string {
  const all = `${frame.runRoot}/documents?variant=${encodeURIComponent(variant ?? '')}&whole=1`;
  const text = (value: string | null) =>
    shownText(value, { none: 'What it wrote is not stored.', whole: all, limit: whole ? Infinity : ANSWER_CHARACTERS });
  const shown = (documents: NonNullable<DocumentsReport['tasks']>[number]['forgotten']) =>
    documents
      .slice(0, whole ? undefined : SHOWN_DOCUMENTS)
      .map((document) => ({ ...document, beforeText: text(document.before), afterText: text(document.after) }));
  return renderPage('@documents', frame, {
    variants,
    variant,
    none: 'The official model and a trained one must both be evaluated; that comes last in a run.',
    tasks: tasks?.map((task) => ({ ...task, shownForgotten: shown(task.forgotten), shownLearned: shown(task.learned) })) ?? null,
  });
}
