import type { ShardPhase } from '../contract/workflows';

/** Workflow id of a shard, or of one phase of it. */
export function shardId(runId: string, phase: ShardPhase | undefined, shard: number): string {
  return `${runId}/${phase === 'extract' ? 'extract' : 'shard'}-${numbered(shard)}`;
}

/** Workflow id of a shard of a row's own answers. */
export function ownShardId(runId: string, row: string, shard: number): string {
  return `${runId}/own-${row}-${numbered(shard)}`;
}

function numbered(shard: number): string {
  return String(shard).padStart(5, '0');
}
