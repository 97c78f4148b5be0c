import type { RunIndex } from '../index/run-index';
import { comparePage, documentsPage, judgesPage, topicsPage } from '../pages/analysis-pages';
import { detailPage } from '../pages/detail-page';
import type { Frame } from '../pages/layout';
import { listPage } from '../pages/list-page';
import { rowPage, rowsPage } from '../pages/rows-page';
import { disputedAnswers, judgePairs } from '../queries/disagreement';
import { changedDocuments } from '../queries/documents';
import { instructionDetail } from '../queries/instruction-detail';
import { readFilter } from '../queries/instruction-filter';
import { choices, listInstructions, neighbours } from '../queries/instruction-list';
import { topicsOf } from '../queries/topics';
import { trainingRow, trainingRows, type TrainingFilter } from '../queries/training-rows';
import { compareTwoRuns } from '../queries/two-runs';

/** What a page of a run is made from. */
export interface PageRequest {
  /** Of what is looked at: the run's instructions, or one row's own answers. */
  readonly index: RunIndex;
  /** The run's own. */
  readonly runIndex: RunIndex;
  /** The index of another run of the store. */
  readonly other: (runId: string) => Promise<RunIndex | undefined>;
  /** Behind the run's id. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  /** Flagged ids, with their reasons. */
  readonly flags: ReadonlyMap<string, string>;
  readonly frame: Omit<Frame, 'title' | 'at'>;
}

/** A page of a run as HTML; undefined when there is none of that path. */
export async function runPage(request: PageRequest): Promise<string | undefined> {
  const [page = '', id, ...rest] = request.path;
  if (rest.length > 0) return undefined;
  if (page === 'i' && id !== undefined) return await instruction(request, id);
  if (page === 'rows' && id !== undefined) return await row(request, id);
  if (id !== undefined) return undefined;
  switch (page) {
    case '':
      return await list(request);
    case 'judges':
      return await judges(request);
    case 'topics':
      return topicsPage({ ...request.frame, title: 'Topics', at: 'Topics' }, await topicsOf(request.index));
    case 'rows':
      return await rows(request);
    case 'documents':
      return await documents(request);
    case 'compare':
      return await twoRuns(request);
    default:
      return undefined;
  }
}

async function list({ index, query, flags, frame }: PageRequest): Promise<string> {
  const filter = readFilter(query);
  const number = pageNumber(query);
  const { rows, found } = await listInstructions(index, filter, { page: number, flagged: [...flags.keys()] });
  return listPage(
    { ...frame, title: 'Instructions', at: 'Instructions' },
    { filter, choices: await choices(index), rows, found, number, flags },
  );
}

async function instruction({ index, query, flags, frame }: PageRequest, id: string): Promise<string | undefined> {
  const detail = await instructionDetail(index, id);
  if (detail === undefined) return undefined;
  const filter = readFilter(query);
  return detailPage(
    { ...frame, title: id, at: 'Instructions' },
    {
      detail,
      filter,
      around: await neighbours(index, id, filter, [...flags.keys()]),
      flag: flags.get(id) ?? null,
      whole: query.get('whole') === '1',
      samples: index.plan.spec.synthesis.respond.samples,
    },
  );
}

async function judges({ index, query, frame }: PageRequest): Promise<string> {
  const { judges: names } = index.plan.spec.synthesis.judge;
  const place = (name: string): number | undefined => names.map((_, at) => at).find((at) => query.get(name) === String(at));
  const [a, b] = [place('a'), place('b')];
  const pair = a === undefined || b === undefined || a === b ? undefined : { a, b };
  const number = pageNumber(query);
  return judgesPage(
    { ...frame, title: 'Judges', at: 'Judges' },
    { judges: names, pairs: await judgePairs(index), pair, rows: await disputedAnswers(index, { pair, page: number }), number },
  );
}

function trainingFilter(query: URLSearchParams): TrainingFilter {
  const text = (name: string): string => (query.get(name) ?? '').slice(0, MOST_CHARACTERS);
  return { variant: query.get('variant'), source: text('source'), q: text('q') };
}

async function rows({ runIndex, query, flags, frame }: PageRequest): Promise<string> {
  const filter = trainingFilter(query);
  const number = pageNumber(query);
  return rowsPage({ ...frame, title: 'Rows', at: 'Rows' }, { ...(await trainingRows(runIndex, filter, number)), filter, number, flags });
}

async function row({ runIndex, query, flags, frame }: PageRequest, id: string): Promise<string | undefined> {
  const filter = trainingFilter(query);
  const shown = await trainingRow(runIndex, id, filter);
  return shown === undefined
    ? undefined
    : rowPage({ ...frame, title: id, at: 'Rows' }, { filter, shown, whole: query.get('whole') === '1', flags });
}

async function documents({ runIndex: index, query, frame }: PageRequest): Promise<string> {
  const report = await changedDocuments(index, query.get('variant'));
  return documentsPage({ ...frame, title: 'Documents', at: 'Documents' }, report, query.get('whole') === '1');
}

async function twoRuns({ runIndex: index, other: indexOf, query, frame }: PageRequest): Promise<string> {
  const others = frame.runs.filter((run) => run !== index.runId);
  const other = others.find((run) => run === query.get('with'));
  const beside = other === undefined ? undefined : await indexOf(other);
  const number = pageNumber(query);
  const compared = beside === undefined ? undefined : await compareTwoRuns(index, beside, number);
  return comparePage({ ...frame, title: 'Two runs', at: 'Two runs' }, { others, other, compared, number });
}

const MOST_CHARACTERS = 500;

/** Pages count from 0; what is no number is the first. */
function pageNumber(query: URLSearchParams): number {
  const number = Number(query.get('page') ?? '0');
  return Number.isInteger(number) && number > 0 && number < 1e6 ? number : 0;
}
