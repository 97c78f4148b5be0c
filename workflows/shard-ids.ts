import type { ShardPhase } from '../contract/workflows';

/** Workflow id of a shard, or of one phase of it. */
export function shardId(runId: string, phase: ShardPhase | undefined, shard: number): string {
  return `${runId}/${phase === 'extract' ? 'extract' : 'shard'}-${String(shard).padStart(5, '0')}`;
}
