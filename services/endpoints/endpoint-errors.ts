import type { ModelSpec } from '../../config/spec';
import type { FailureType } from '../../contract/failures';
import { addressAdvice, adviceFor, type RequestTraits } from './error-advice';
import type { ModelFailure } from './model-errors';

/** No call to this endpoint can succeed until a person changes something. */
export class PermanentEndpointError extends Error {
  override readonly name = 'PermanentEndpointError' satisfies FailureType;

  /** @param failure what the endpoint answered, where a request was sent */
  constructor(
    message: string,
    readonly failure?: ModelFailure,
  ) {
    super(message);
  }
}

/** The endpoint did not answer, or stayed overloaded, for too long; a later attempt may find it available. */
export class EndpointUnavailableError extends Error {
  override readonly name = 'EndpointUnavailableError' satisfies FailureType;
  /** Whether the request did not reach the endpoint, or was refused by its rate limit, so that it had no effect. */
  readonly unsent: boolean;
  /** When to ask again, where that is known. */
  readonly waitMs: number | undefined;

  constructor(message: string, { unsent = false, waitMs }: { readonly unsent?: boolean; readonly waitMs?: number } = {}) {
    super(message);
    this.unsent = unsent;
    this.waitMs = waitMs;
  }
}

/** Which model and where, for messages: `model "name" at URL`. */
export function endpointLabel(name: string, { baseURL }: Pick<ModelSpec, 'baseURL'>): string {
  return `model "${name}" at ${baseURL}`;
}

/** The error that ends a run: what failed, at which endpoint, what to do. @param endpoint see {@link endpointLabel} */
export function permanentError(endpoint: string, failure: ModelFailure, request: RequestTraits): PermanentEndpointError {
  const status = failure.status === undefined ? '' : ` (HTTP ${failure.status})`;
  const fate = failure.status === undefined ? 'cannot be called' : 'refuses every call';
  const advice = `${adviceFor(failure, request)}${addressAdvice(failure, endpoint)}`;
  return new PermanentEndpointError(`${endpoint} ${fate}${status}: ${shorten(failure.message)}; ${advice}`, failure);
}

/** The error that ends an attempt. @param endpoint see {@link endpointLabel} */
export function unavailableError(endpoint: string, { kind, message }: ModelFailure): EndpointUnavailableError {
  return new EndpointUnavailableError(
    `${endpoint} has not answered for a long time (${kind}: ${shorten(message)}); it will be tried again`,
  );
}

function shorten(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  return line.length <= 300 ? line : `${line.slice(0, 297)}...`;
}
