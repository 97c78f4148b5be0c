import { variantsOf, type Variant } from '../config/variants';
import type { StageKeys } from './chain';
import type { Planned, Shard } from './planned';

/** Everything that a run's activities need to know, stored once and referred to by its hash. */
export interface RunPlan extends Planned<StageKeys> {
  readonly shards: readonly Shard[];
}

/** A variant of a plan, by its name. */
export function planVariant(plan: RunPlan, name: string): Variant {
  const found = variantsOf(plan.spec).find((variant) => variant.name === name);
  if (found === undefined) throw new Error(`the plan has no variant "${name}"; a validated spec cannot come here`);
  return found;
}
