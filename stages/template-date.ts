import type { Planned } from './planned';

/** What the target's chat template is told is today, YYYY-MM-DD: the day of the run's first start. Absent where it does not ask. */
export function templateDate({ spec, content }: Pick<Planned<unknown>, 'spec' | 'content'>): { readonly date?: string } {
  const date = content.templates?.[spec.target.model]?.date;
  return date === undefined ? {} : { date };
}
