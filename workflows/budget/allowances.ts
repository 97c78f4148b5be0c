import type { Allowance, Cost } from '../../method/cost';

/** Grants are the expected cost times this, so that most work needs no second one. */
export const GRANT_MARGIN = 1.25;

/** Whether some side is limited that was not, or more tightly than before: then what was granted has to be given back. */
export function isTighter(before: Allowance, after: Allowance): boolean {
  return (['usd', 'tokens'] as const).some((side) => (after[side] ?? Infinity) < (before[side] ?? Infinity));
}

/** Nothing more, on the sides that `budget` limits. */
export function nothingOf(budget: Allowance): Allowance {
  return onSidesOf(budget, { usd: 0, tokens: 0 });
}

/** A cost as a limit, on the sides that `budget` limits. */
export function onSidesOf(budget: Allowance, { usd, tokens }: Cost): Allowance {
  return { ...(budget.usd === undefined ? {} : { usd }), ...(budget.tokens === undefined ? {} : { tokens }) };
}

/** The total after a further grant: what is known to be spent, and the grant, on the sides that the grant limits. */
export function withGrant(known: Cost, grant: Allowance): Allowance {
  return {
    ...(grant.usd === undefined ? {} : { usd: known.usd + grant.usd }),
    ...(grant.tokens === undefined ? {} : { tokens: known.tokens + grant.tokens }),
  };
}
