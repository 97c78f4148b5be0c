import { variantsOf, type Variant } from '../config/variants';
import type { StageKeys } from './chain';
import type { Planned, Shard } from './planned';

/** Everything that a run's activities need to know, stored once and referred to by its hash. */
export interface RunPlan extends Planned<StageKeys> {
  /** Of the method's synthesis; none where nothing is extracted. */
  readonly shards: readonly Shard[];
  /** Prompts that there are for each row of own answers; absent where there is none, and before they are counted. */
  readonly prompts?: Readonly<Record<string, number>>;
}

/** A variant of a plan, by its name. */
export function planVariant(plan: RunPlan, name: string): Variant {
  const found = variantsOf(plan.spec).find((variant) => variant.name === name);
  if (found === undefined) throw new Error(`the plan has no variant "${name}"; a validated spec cannot come here`);
  return found;
}
