import type { Client } from '@temporalio/client';

/** What a run left on the server. */
export interface HistoryFigures {
  readonly workflows: number;
  /** Most events of one execution. */
  readonly longest: { readonly events: number; readonly workflowId: string };
  readonly events: number;
  /** Largest payload in bytes, and where it is. */
  readonly largestPayload: { readonly bytes: number; readonly where: string };
}

/** Reads the history of every execution on the server, which is the benchmark's own. */
export async function readHistories(client: Client): Promise<HistoryFigures> {
  let workflows = 0;
  let events = 0;
  let longest = { events: 0, workflowId: '' };
  let largestPayload = { bytes: 0, where: '' };
  for await (const { workflowId, runId } of client.workflow.list()) {
    workflows++;
    const history = (await client.workflow.getHandle(workflowId, runId).fetchHistory()).events ?? [];
    events += history.length;
    if (history.length > longest.events) longest = { events: history.length, workflowId };
    for (const event of history) {
      for (const [name, attributes] of Object.entries(event)) {
        const bytes = largestData(attributes);
        if (bytes > largestPayload.bytes) largestPayload = { bytes, where: `${workflowId}: ${name.replace(/EventAttributes$/, '')}` };
      }
    }
  }
  return { workflows, longest, events, largestPayload };
}

/** Bytes of the largest `data` of a payload anywhere below. */
function largestData(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
  let most = 0;
  for (const [key, child] of Object.entries(value)) {
    most = Math.max(most, key === 'data' && child instanceof Uint8Array ? child.byteLength : largestData(child));
  }
  return most;
}
