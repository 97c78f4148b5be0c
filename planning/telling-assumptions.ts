import type { RunSpec } from '../config/spec';
import { DEFAULT_ASSUMPTIONS, type AssumptionName } from './cost-assumptions';
import { planCost, type CostPlan } from './cost-plan';
import type { KnownCounts } from './known-counts';

/** How much an assumption is changed to see what hangs on it. */
const CHANGE = 1.5;
/** Part by which a figure of the plan then has to change for the assumption to count. */
const LEAST_EFFECT = 0.1;

type Overrides = Readonly<Partial<Record<AssumptionName, number>>>;

/** The assumptions on which the plan's figures hang: half as much again of one changes some figure by a tenth; and those that were given. */
export function tellingAssumptions(spec: RunSpec, overrides: Overrides, known: KnownCounts): AssumptionName[] {
  const before = figuresOf(planCost(spec, overrides, known));
  return (Object.keys(DEFAULT_ASSUMPTIONS) as AssumptionName[]).filter((name) => {
    if (overrides[name] !== undefined) return true;
    const changed = planCost(spec, { ...overrides, [name]: DEFAULT_ASSUMPTIONS[name].value * CHANGE }, known);
    return figuresOf(changed).some((figure, index) => {
      const old = before[index]!;
      return old === 0 ? figure !== 0 : Math.abs(figure - old) / Math.abs(old) >= LEAST_EFFECT;
    });
  });
}

/** What people look at: dollars, tokens, hours, GPUs. */
function figuresOf({ usd, promptTokens, completionTokens, synthesisHours, servingGpuHours, training, evaluation }: CostPlan): number[] {
  const trained = training.trainings === 0 ? 0 : 1;
  return [
    usd.expected,
    promptTokens + completionTokens,
    synthesisHours,
    servingGpuHours,
    trained * (training.hours ?? 0),
    trained * (training.devices ?? 0),
    evaluation.hours ?? 0,
  ];
}
