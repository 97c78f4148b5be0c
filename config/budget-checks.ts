import { unpricedModels } from './models-in-use';
import type { RunSpec } from './spec';
import type { Finding } from './spec-errors';

/** A budget in dollars can be kept only where every model that is called, or trained by its provider, has a price. */
export function budgetProblems(spec: RunSpec): Finding[] {
  const { budget } = spec;
  if (budget === undefined) return [];
  if (budget.usd === undefined && budget.tokens === undefined) {
    return [{ at: ['budget'], value: 'an empty mapping', expected: 'usd, tokens or both', hint: 'add one, or remove budget' }];
  }
  if (budget.usd === undefined) return [];
  const { calls, training } = unpricedModels(spec);
  return [
    ...calls.map((name) => ({
      at: ['models', name, 'price'],
      value: 'nothing',
      expected: 'a price, since budget.usd limits what its calls may cost',
      hint: 'add price: {inputUsdPerMillion: …, outputUsdPerMillion: …}; for a server of your own, both 0',
    })),
    ...training.map((name) => ({
      at: ['models', name, 'price', 'trainingUsdPerMillion'],
      value: 'nothing',
      expected: 'the price of training, since budget.usd limits what the run may cost',
      hint: 'add it, or remove budget.usd',
    })),
  ];
}
