import type { RunCosts } from '../../contract/run';
import type { ShardInput } from '../../contract/workflows';
import { type Cost, addCosts, timesCost } from '../../method/cost';

type Phase = ShardInput['phase'];

/** Workflow id of a shard, or of its first life where filters come between. */
export function shardId(runId: string, phase: Phase, shard: number): string {
  return `${runId}/${phase === 'extract' ? 'extract' : 'shard'}-${String(shard).padStart(5, '0')}`;
}

/** What a shard's calls are expected to cost. */
export function expectedCost({ extract, respond, judge }: RunCosts, phase: Phase, instructions: number): Cost {
  const answer = [...Object.values(respond), ...Object.values(judge)];
  const each = phase === 'extract' ? [extract] : phase === 'answer' ? answer : [extract, ...answer];
  return timesCost(each.reduce(addCosts), instructions);
}
