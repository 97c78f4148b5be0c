import { redactFailure } from './api-key';
import { EndpointUnavailableError, PermanentEndpointError } from './endpoint-errors';
import { classifyModelError, type ModelFailure } from './model-errors';
import type { Redact } from './secrets';

const LONGEST_MESSAGE = 300;

export interface FaultContext {
  /** Model and address, for the sentence. */
  readonly endpoint: string;
  /** Takes out the key, which providers like to repeat and which no error may tell. */
  readonly redact: Redact;
  /** The way out of a refusal. */
  readonly advice: (failure: ModelFailure) => string;
}

/**
 * An error of a request for a provider's job (fine-tuning, a batch) as one of the model client's pair.
 * @param doing what was asked for, such as `create a fine-tuning job`
 */
export function providerFault(error: unknown, doing: string, { endpoint, redact, advice }: FaultContext, nowMs = Date.now()): Error {
  const failure = redactFailure(classifyModelError(error, nowMs), redact);
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
