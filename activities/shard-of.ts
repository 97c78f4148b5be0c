import type { Shard } from '../stages/planned';
import type { RunPlan } from '../stages/run-plan';

/** A plan's shard by its number. */
export function shardOf(plan: RunPlan, index: number): Shard {
  const shard = plan.shards[index];
  if (shard === undefined) throw new Error(`shard ${index} does not exist; the plan has ${plan.shards.length}`);
  return shard;
}
