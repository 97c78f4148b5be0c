import { adviceFor } from '../endpoints/error-advice';
import type { ModelFailure } from '../endpoints/model-errors';
import { providerFault } from '../endpoints/provider-fault';
import { createRedact } from '../endpoints/secrets';

/**
 * An error of the SDK as one of the model client's pair.
 * @param doing what was asked for, such as `create a fine-tuning job`
 * @param context model and address, for the sentence; the key, which providers like to repeat and which no error may tell
 */
export function fineTuningFault(
  error: unknown,
  doing: string,
  { endpoint, apiKey }: { readonly endpoint: string; readonly apiKey: string | undefined },
  nowMs = Date.now(),
): Error {
  return providerFault(error, doing, { endpoint, redact: createRedact([apiKey]), advice }, nowMs);
}

function advice(failure: ModelFailure): string {
  switch (failure.kind) {
    case 'auth':
      return 'check that the key in the environment variable that apiKeyEnv names, on the machine of the llm worker, is valid and may fine-tune';
    case 'not_found':
      return 'check baseURL, and that the model id is one that the provider fine-tunes';
    case 'refused':
    case 'unsupported':
    case 'context_overflow':
    case 'content_filter':
      return 'fix what it names: the model id, the settings under train.openai, or the data';
    default:
      return adviceFor(failure);
  }
}
