import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ModelSpec } from '../../../../config/spec';
import type { Instruction } from '../../../../method/records';
import { runBatch, type BatchOptions } from '../../../../services/batches/batch';
import type { BatchResult } from '../../../../services/batches/batch-tally';
import { extractionItems } from '../../../../services/batches/steps/extraction';
import { EndpointHealth } from '../../../../services/endpoints/endpoint-health';
import { createModelClient } from '../../../../services/endpoints/model-client';
import { Journal } from '../../../../services/journal/journal';
import { EndpointLimiter } from '../../../../services/limits/limiter';
import { modelSpec } from '../../../support/model-spec';
import { smallSpec } from '../../../support/small-spec';

const SPEC = smallSpec('http://127.0.0.1:1/v1');
rmSync(dirname(SPEC.mix.newData as string), { recursive: true });

/** Instructions of a batch. */
export const COUNT = 12;

export interface ExtractionOptions extends Partial<Pick<BatchOptions<Instruction>, 'concurrency' | 'setAsideAfterMs'>> {
  readonly baseURL: string;
  /** Folder of the journal; a second attempt with the same one goes on. */
  readonly journal?: string;
  readonly limits?: Partial<ModelSpec['limits']>;
  readonly health?: EndpointHealth;
}

/** One attempt at a real batch: the extraction of {@link COUNT} instructions, three tries each, over real sockets. */
export async function runExtraction({
  baseURL,
  journal: folder,
  limits,
  concurrency = 4,
  setAsideAfterMs,
  health = new EndpointHealth(),
}: ExtractionOptions): Promise<BatchResult<Instruction>> {
  const own = mkdtempSync(join(tmpdir(), 'rehearse-faults-'));
  const journal = await Journal.open(folder ?? join(own, 'journal'));
  try {
    const client = createModelClient({
      name: 'target',
      spec: modelSpec({ baseURL, model: 'target', limits }),
      limiter: new EndpointLimiter({ concurrency: 8 }),
      health,
      env: {},
      random: () => 0,
    });
    return await runBatch<Instruction>({
      items: extractionItems(SPEC, { index: 0, start: 0, end: COUNT }),
      client,
      identity: 'target',
      journal,
      concurrency,
      stop: new AbortController().signal,
      onProgress: () => undefined,
      ...(setAsideAfterMs === undefined ? {} : { setAsideAfterMs }),
    });
  } finally {
    await journal.close();
    rmSync(own, { recursive: true, force: true });
  }
}
