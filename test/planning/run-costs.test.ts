import { parseSpec } from '../../config/load-spec';
import type { RunSpec } from '../../config/spec';
import { assumptionsWith } from '../../planning/cost-assumptions';
import { planCost } from '../../planning/cost-plan';
import { costOfInstruction, runCosts } from '../../planning/run-costs';
import { specWith, validSpec } from '../config/valid-spec';

function priced(): RunSpec {
  const spec = validSpec();
  spec.models['target']!.price = { inputUsdPerMillion: 1, outputUsdPerMillion: 2 };
  spec.models['other']!.price = { inputUsdPerMillion: 30, outputUsdPerMillion: 60 };
  return parseSpec(spec);
}

describe('what a run is expected to cost', () => {
  it('is, over all instructions, what the plan says', () => {
    const spec = priced();
    const plan = planCost(spec);
    const { usd, tokens } = costOfInstruction(runCosts(spec));
    expect(usd * spec.synthesis.extract.instructions).toBeCloseTo(plan.usd.expected, 6);
    expect(tokens * spec.synthesis.extract.instructions).toBeCloseTo(plan.promptTokens + plan.completionTokens, 3);
  });

  it('has a part for each generator and for each pair of judge and generator', () => {
    const costs = runCosts(priced());
    expect(Object.keys(costs.respond)).toEqual(['target', 'other']);
    expect(Object.keys(costs.judge)).toEqual(['target/target', 'target/other', 'other/target', 'other/other']);
    expect(costs.respond['other']!.usd).toBeGreaterThan(costs.respond['target']!.usd);
  });

  it('has no dollars for models without a price', () => {
    const costs = runCosts(parseSpec(validSpec()));
    expect(costOfInstruction(costs).usd).toBe(0);
    expect(costOfInstruction(costs).tokens).toBeGreaterThan(0);
    expect(costs.worstCall['target']!.usd).toBe(0);
  });

  it('expects its dearest call to hold the longest instruction and response, and all samples at their longest', () => {
    const spec = parseSpec(specWith('synthesis/respond/sampling', { maxTokens: 500 }));
    const { charactersPerToken } = assumptionsWith();
    expect(runCosts(spec).worstCall['target']!.tokens).toBeGreaterThanOrEqual((2048 + 500) * charactersPerToken + 512);
  });
});
