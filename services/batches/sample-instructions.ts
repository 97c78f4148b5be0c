import { modelOf } from '../../config/models-in-use';
import type { RunSpec } from '../../config/spec';
import { endpointLabel } from '../endpoints/endpoint-errors';
import type { ModelClient } from '../endpoints/model-client';
import { readReply } from '../endpoints/model-reply';
import type { Exchange } from './batch-item';
import { extractionItems, type ExtractionSetting } from './steps/extraction';

/** What came of one try to extract an instruction. */
export type InstructionSample = { readonly text: string } | { readonly reason: string };

export interface SampleOptions extends ExtractionSetting {
  readonly client: ModelClient;
  readonly count: number;
  readonly signal: AbortSignal;
}

/**
 * Extracts a few instructions as a run does, request for request, and stores nothing.
 * @throws what the client throws when the endpoint does not answer or refuses every call
 */
export async function sampleInstructions(
  spec: RunSpec,
  { client, count, signal, ...setting }: SampleOptions,
): Promise<InstructionSample[]> {
  const items = extractionItems(spec, { index: 0, start: 0, end: count }, setting);
  return await Promise.all(
    items.map(async (item) => {
      const exchanges: Exchange[] = [];
      for (;;) {
        const step = item.next(exchanges);
        if (step.do === 'done') {
          const [row] = step.rows;
          return row === undefined ? { reason: step.failures[0]?.reason ?? 'no reply' } : { text: row.text };
        }
        const ended = await client.call(step.request, { signal });
        if ('setAside' in ended) return { reason: `${endpointLabel(spec.target.model, modelOf(spec, spec.target.model))} does not answer` };
        if ('refusal' in ended) return { reason: ended.refusal.message };
        exchanges.push({ reply: readReply(ended.reply), error: undefined });
      }
    }),
  );
}
