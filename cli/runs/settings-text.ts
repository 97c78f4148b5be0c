import type { ModelLimits } from '../../config/spec';
import { formatCount } from '../../contract/figures';
import type { RunSettings } from '../../contract/run-settings';

const LIMIT_NAMES: Readonly<Record<keyof ModelLimits, string>> = {
  concurrency: 'concurrency',
  requestsPerMinute: 'requests a minute',
  tokensPerMinute: 'tokens a minute',
};

/** What was set on a run, a line a model. */
export function settingsText({ limits, budget = {}, anyway }: RunSettings): string[] {
  const budgets = [
    ...(budget.usd === undefined ? [] : [budget.usd === null ? 'no budget in dollars' : `budget: $${budget.usd}`]),
    ...(budget.tokens === undefined
      ? []
      : [budget.tokens === null ? 'no budget in tokens' : `budget: ${formatCount(budget.tokens)} tokens`]),
  ];
  const models = Object.entries(limits).map(([model, set]) => {
    const parts = (Object.keys(LIMIT_NAMES) as (keyof ModelLimits)[]).flatMap((name) => {
      const value = set[name];
      if (value === undefined) return [];
      return [value === null ? `no limit of ${LIMIT_NAMES[name]}` : `${LIMIT_NAMES[name]} ${formatCount(value)}`];
    });
    return `${model}: ${parts.join(', ')}`;
  });
  return [...models, ...budgets, ...(anyway === undefined ? [] : ['unusable replies do not pause it'])];
}
