import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Span } from './token-rate';

const POLL_MS = 500;
const PATIENCE_MS = 60_000;

/**
 * When a finished synthesis had all that it keeps in flight: from the end of its first shard to the beginning of its last one, seconds since the
 * epoch. @throws Error where the last began before the first ended
 */
export async function shardSpan(client: Client): Promise<Span> {
  for (const deadline = performance.now() + PATIENCE_MS; ; await sleep(POLL_MS)) {
    const [starts, ends]: [number[], number[]] = [[], []];
    let open = 0; // the server's lists are a moment behind
    for await (const { startTime, closeTime } of client.workflow.list({ query: `WorkflowType = 'synthesizeShard'` })) {
      starts.push(startTime.getTime() / 1000);
      if (closeTime === undefined) open++;
      else ends.push(closeTime.getTime() / 1000);
    }
    if (open > 0 || ends.length === 0) {
      if (performance.now() > deadline) throw new Error(`${open} of ${starts.length} shards have no end`);
      continue;
    }
    const span = { from: Math.min(...ends), to: Math.max(...starts) };
    if (span.to <= span.from) throw new Error('the last shard began before the first ended; measure more instructions, in smaller shards');
    return span;
  }
}
