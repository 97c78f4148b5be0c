import { redact } from '../model-client';
import { adviceFor, classifyModelError, type ModelFailure } from '../model-errors';

/** A fine-tuning that cannot succeed until somebody changes something. */
export class FineTuningError extends Error {
  override readonly name = 'FineTuningError';

  /** @param status that the provider answered with, where a request was refused */
  constructor(message: string, readonly status?: number) {
    super(message);
  }
}

/** The provider did not answer, or is to be asked again; a later attempt may find it well. */
export class FineTuningUnavailableError extends Error {
  override readonly name = 'FineTuningUnavailableError';

  /** @param unsent whether the request did not reach the provider, or was turned away by its rate limit, so that nothing came of it */
  constructor(message: string, readonly unsent: boolean, readonly waitMs?: number) {
    super(message);
  }
}

const LONGEST_MESSAGE = 300;

/**
 * An error of the SDK as one of the two above.
 * @param doing what was asked for, such as `create a fine-tuning job`
 * @param context model and address, for the sentence; the key, which providers like to repeat and which no error may tell
 */
export function fineTuningFault(error: unknown, doing: string, { endpoint, apiKey }: { readonly endpoint: string; readonly apiKey: string | undefined }, nowMs = Date.now()): Error {
  const failure = redact(classifyModelError(error, nowMs), apiKey);
  if (failure.scope === 'aborted') return error as Error;
  const status = failure.status === undefined ? '' : ` (HTTP ${failure.status})`;
  const said = failure.message.replace(/\s+/g, ' ').slice(0, LONGEST_MESSAGE);
  if (failure.scope === 'transient') {
    return new FineTuningUnavailableError(`${endpoint} could not ${doing}${status}: ${said}; it is asked again`, failure.unsent === true || failure.kind === 'rate_limited', failure.waitMs);
  }
  // Without the SDK's error as its cause: that one has the provider's own words, and request headers.
  return new FineTuningError(`${endpoint} refuses to ${doing}${status}: ${said}; ${advice(failure)}`, failure.status);
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
      return 'mend what it names: the model id, the settings under train.openai, or the data';
    default:
      return adviceFor(failure);
  }
}
