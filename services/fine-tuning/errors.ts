import { redactFailure } from '../endpoints/api-key';
import { EndpointUnavailableError, PermanentEndpointError } from '../endpoints/endpoint-errors';
import { adviceFor } from '../endpoints/error-advice';
import { classifyModelError, type ModelFailure } from '../endpoints/model-errors';
import { createRedact } from '../endpoints/secrets';

const LONGEST_MESSAGE = 300;

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
  const failure = redactFailure(classifyModelError(error, nowMs), createRedact([apiKey]));
  if (failure.scope === 'aborted') return error as Error;
  const status = failure.status === undefined ? '' : ` (HTTP ${failure.status})`;
  const said = failure.message.replace(/\s+/g, ' ').slice(0, LONGEST_MESSAGE);
  if (failure.scope === 'transient') {
    return new EndpointUnavailableError(`${endpoint} could not ${doing}${status}: ${said}; it is asked again`, {
      unsent: failure.unsent === true || failure.kind === 'rate_limited',
      ...(failure.waitMs === undefined ? {} : { waitMs: failure.waitMs }),
    });
  }
  // Without the SDK's error as its cause: that one has the provider's own words, and request headers.
  return new PermanentEndpointError(`${endpoint} refuses to ${doing}${status}: ${said}; ${advice(failure)}`, failure);
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
