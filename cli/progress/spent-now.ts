import type { SynthesisSpent } from '../../contract/budget';
import type { ControlState } from '../../contract/control';
import type { HeartbeatDetails } from '../../contract/progress';
import { addCosts, largerCost, NO_COST, type Cost } from '../../method/cost';

/** What an open shard says of its batches, and what those that run have said last. */
export interface ShardSpent {
  readonly id: string;
  /** By batch; absent where no worker answered. */
  readonly known?: Readonly<Record<string, Cost>>;
  readonly heartbeats: readonly HeartbeatDetails[];
}

/** Where a run's money went, as its open workflows tell it. */
export interface SpentSources {
  readonly control: ControlState;
  /** Absent where no synthesis is open: then the run knows all. */
  readonly synthesis?: SynthesisSpent;
  readonly shards: readonly ShardSpent[];
}

/** What a run has spent by now: closed shards, batches that have ended, and those that run, which tell it with each heartbeat. */
export function spentNow({ control, synthesis, shards }: SpentSources): Cost {
  if (synthesis === undefined) return control.spent;
  const byId = new Map(shards.map((shard) => [shard.id, costOfShard(shard)]));
  const open = [...new Set([...Object.keys(synthesis.open), ...byId.keys()])].map((id) =>
    largerCost(synthesis.open[id] ?? NO_COST, byId.get(id) ?? NO_COST),
  );
  return addCosts([synthesis.closed, ...open].reduce(addCosts), { usd: control.trainingUsd ?? 0, tokens: 0 });
}

/** A batch's heartbeat may be older than its end, and what was told of it older than its heartbeat: the larger is the newer. */
function costOfShard({ known = {}, heartbeats }: ShardSpent): Cost {
  const batches = new Map(Object.entries(known));
  for (const { batch, cost } of heartbeats) {
    if (batch !== undefined) batches.set(batch, largerCost(batches.get(batch) ?? NO_COST, cost));
  }
  return [...batches.values()].reduce(addCosts, NO_COST);
}
