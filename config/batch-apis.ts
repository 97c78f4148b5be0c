import type { ModelSpec } from './spec';

export type BatchApiName = NonNullable<NonNullable<ModelSpec['batch']>['api']>;

/**
 * What an API takes in one batch. OpenAI: https://platform.openai.com/docs/guides/batch (50,000 requests, 200 MB); Together:
 * https://docs.together.ai/docs/inference/batch (50,000 requests, 100 MB); Anthropic: https://platform.claude.com/docs/en/build-with-claude/batch-processing
 * (100,000 requests, 256 MB).
 */
export const BATCH_MOST: Readonly<Record<BatchApiName, { readonly requests: number; readonly bytes: number }>> = {
  openai: { requests: 50_000, bytes: 200_000_000 },
  together: { requests: 50_000, bytes: 100_000_000 },
  anthropic: { requests: 100_000, bytes: 256_000_000 },
};

const HOSTS: readonly (readonly [api: BatchApiName, host: RegExp])[] = [
  ['anthropic', /(^|\.)anthropic\.com$/],
  ['together', /(^|\.)together\.(xyz|ai)$/],
];

/** Whether a model's answers and judgments are ordered in batches. Raw completions, as extraction sends them, are always live. */
export function isBatched({ mode }: Pick<ModelSpec, 'mode'>): boolean {
  return mode === 'batch';
}

/** The batch API of a model: what the spec says, else what its host speaks, else OpenAI's. */
export function batchApiOf({ baseURL, batch }: Pick<ModelSpec, 'baseURL' | 'batch'>): BatchApiName {
  if (batch?.api !== undefined) return batch.api;
  const { hostname } = new URL(baseURL);
  return HOSTS.find(([, host]) => host.test(hostname))?.[0] ?? 'openai';
}
