import type { RunCosts } from '../../contract/run';
import type { ShardPhase } from '../../contract/workflows';
import { type Cost, addCosts, timesCost } from '../../method/cost';

/** What the model calls of a shard, or of one phase of it, are expected to cost. */
export function expectedShardCost({ extract, respond, judge }: RunCosts, phase: ShardPhase | undefined, instructions: number): Cost {
  const answer = [...Object.values(respond), ...Object.values(judge)];
  const each = phase === 'extract' ? [extract] : phase === 'answer' ? answer : [extract, ...answer];
  return timesCost(each.reduce(addCosts), instructions);
}
