import type { RunIndex } from '../index/run-index';
import { detailPage } from '../pages/detail-page';
import type { Frame } from '../pages/layout';
import { listPage } from '../pages/list-page';
import { instructionDetail } from '../queries/instruction-detail';
import { readFilter } from '../queries/instruction-filter';
import { choices, listInstructions, neighbours } from '../queries/instruction-list';

/** What a page of a run is made from. */
export interface PageRequest {
  readonly index: RunIndex;
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
  if (id !== undefined) return undefined;
  switch (page) {
    case '':
      return await list(request);
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

/** Pages count from 0; what is no number is the first. */
function pageNumber(query: URLSearchParams): number {
  const number = Number(query.get('page') ?? '0');
  return Number.isInteger(number) && number > 0 && number < 1e6 ? number : 0;
}
