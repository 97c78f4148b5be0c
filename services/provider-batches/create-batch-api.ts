import { batchApiOf } from '../../config/batch-apis';
import type { ModelSpec } from '../../config/spec';
import { createAnthropicBatches } from './anthropic-batches';
import type { BatchApi } from './api';
import { createOpenAIBatches } from './openai-batches';
import { ProviderHttp } from './provider-http';

export interface BatchApiOptions {
  /** The name that the spec gives the model. */
  readonly name: string;
  readonly spec: ModelSpec;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

const ANTHROPIC_VERSION = '2023-06-01';

/** The batch API of a model's provider. @throws PermanentEndpointError when its key is not in the environment */
export function createBatchApi(options: BatchApiOptions): BatchApi {
  const dialect = batchApiOf(options.spec);
  if (dialect === 'anthropic') {
    const keyHeaders = (key: string): Record<string, string> => ({ 'x-api-key': key, 'anthropic-version': ANTHROPIC_VERSION });
    return createAnthropicBatches(new ProviderHttp({ ...options, keyHeaders }));
  }
  const keyHeaders = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
  return createOpenAIBatches(new ProviderHttp({ ...options, keyHeaders }), options.signal, dialect);
}
