import type { Params } from '../index/view-database';

/** What the list of instructions can be narrowed by, as it stands in a URL. Texts as they came: nothing is trusted. */
export interface InstructionFilter {
  /** Words to look for, in the instruction or in the answer that was kept. */
  readonly q: string;
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** At least this between the judges of one answer. */
  readonly spread: number | undefined;
  readonly generator: string;
  readonly finish: string;
  readonly longer: number | undefined;
  readonly shorter: number | undefined;
  readonly language: string;
  readonly topic: number | undefined;
  readonly failure: string;
  readonly state: string;
  readonly flagged: boolean;
  readonly sort: SortName;
}

/** Columns by which the list is sorted; ids break ties, so that a page is always the same. */
const SORTS = {
  id: 'id',
  best: 'mean DESC NULLS LAST',
  worst: 'mean NULLS LAST',
  spread: 'spread DESC NULLS LAST',
  long: 'chars DESC NULLS LAST',
  short: 'chars NULLS LAST',
} as const;
export type SortName = keyof typeof SORTS;
export const SORT_NAMES = Object.keys(SORTS) as SortName[];

const MOST_CHARACTERS = 500;

/** Reads a filter from a URL; what cannot be one is as if it were not there. */
export function readFilter(query: URLSearchParams): InstructionFilter {
  const text = (name: string): string => (query.get(name) ?? '').slice(0, MOST_CHARACTERS);
  const number = (name: string): number | undefined => {
    const value = Number(text(name));
    return text(name).trim() === '' || !Number.isFinite(value) ? undefined : value;
  };
  return {
    q: text('q'),
    min: number('min'),
    max: number('max'),
    spread: number('spread'),
    generator: text('generator'),
    finish: text('finish'),
    longer: number('longer'),
    shorter: number('shorter'),
    language: text('language'),
    topic: number('topic'),
    failure: text('failure'),
    state: text('state'),
    flagged: text('flagged') === '1',
    sort: SORT_NAMES.find((name) => name === text('sort')) ?? 'id',
  };
}

/** The same as a query string, without what narrows nothing; `change` replaces parts. */
export function filterQuery(filter: InstructionFilter, change: Readonly<Record<string, string | number | undefined>> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...filter, ...change })) {
    if (value === undefined || value === '' || value === false || (name === 'sort' && value === 'id')) continue;
    query.set(name, value === true ? '1' : String(value));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** A filter as a condition of SQL on the table `items`; every value is a parameter. */
export function filterCondition(
  filter: InstructionFilter,
  { schema, flagged }: { readonly schema: string; readonly flagged: readonly string[] },
): { readonly where: string; readonly order: string; readonly params: Params } {
  const conditions: string[] = ['true'];
  const params: Record<string, string | number | readonly string[]> = {};
  const add = (name: string, value: string | number | undefined, condition: string): void => {
    if (value === undefined || value === '') return;
    conditions.push(condition);
    params[name] = value;
  };
  add('q', filter.q, '(contains(searched, lower($q)) OR id = $q)');
  add('min', filter.min, 'mean >= $min');
  add('max', filter.max, 'mean <= $max');
  add('spread', filter.spread, 'spread >= $spread');
  add('generator', filter.generator, 'generator = $generator');
  add('finish', filter.finish, 'list_contains(finishes, $finish)');
  add('longer', filter.longer, 'chars >= $longer');
  add('shorter', filter.shorter, 'chars <= $shorter');
  add('language', filter.language, 'language = $language');
  add('topic', filter.topic, `id IN (SELECT item FROM ${schema}.places WHERE topic = $topic)`);
  add('failure', filter.failure, 'list_contains(failures, $failure)');
  add('state', filter.state, 'state = $state');
  if (filter.flagged) {
    conditions.push('id IN (SELECT unnest($flagged))');
    params['flagged'] = flagged;
  }
  const order = SORTS[filter.sort];
  return { where: conditions.join(' AND '), order: order === 'id' ? 'id' : `${order}, id`, params };
}
