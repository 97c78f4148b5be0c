import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { SpecError } from '../config/spec-errors';
import { MethodError } from '../method/method-error';
import { AllRefusedError } from '../services/batch';
import { PermanentEndpointError } from '../services/model-client';
import { PythonJobError } from '../services/python-jobs';
import { CorruptArtifactError } from '../services/stage-store';
import { WeightsNotFoundError } from '../services/weights';
import type { HeartbeatDetails } from '../workflows/types';

/** What an activity body gets: when to stop, and how to say that it is alive. */
export interface ActivityScope {
  /** Aborted on cancellation and when the worker drains. */
  readonly stop: AbortSignal;
  readonly heartbeat: (details: HeartbeatDetails) => void;
}

/** Thrown inside an activity when its worker is asked to stop. */
class WorkerDrainingError extends Error {
  override readonly name = 'WorkerDrainingError';
}

const BEAT_MS = 2_000;

/**
 * Runs an activity's body with a steady heartbeat, and turns its errors into Temporal's: what cannot succeed without
 * somebody's doing is non-retryable, all else is tried again.
 */
export async function runActivity<T>(draining: AbortSignal, body: (scope: ActivityScope) => Promise<T>): Promise<T> {
  const context = Context.current();
  const drained = new AbortController();
  const onDrain = (): void => drained.abort(new WorkerDrainingError('this worker is shutting down; the work goes on elsewhere or after its restart'));
  if (draining.aborted) onDrain();
  draining.addEventListener('abort', onDrain, { once: true });
  let details: HeartbeatDetails | undefined;
  const timer = setInterval(() => context.heartbeat(details), BEAT_MS);
  try {
    return await body({
      stop: AbortSignal.any([context.cancellationSignal, drained.signal]),
      heartbeat: (latest) => {
        details = latest;
      },
    });
  } catch (error) {
    throw toFailure(error);
  } finally {
    if (details !== undefined) context.heartbeat(details);
    clearInterval(timer);
    draining.removeEventListener('abort', onDrain);
  }
}

function toFailure(error: unknown): unknown {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (!(error instanceof Error)) return error;
  const failure = { type: error.name, message: error.message, cause: error };
  if (error instanceof WorkerDrainingError) return ApplicationFailure.create({ ...failure, nextRetryDelay: '1s' });
  const permanent =
    error instanceof PermanentEndpointError ||
    error instanceof AllRefusedError ||
    error instanceof CorruptArtifactError ||
    error instanceof SpecError ||
    error instanceof MethodError ||
    error instanceof WeightsNotFoundError ||
    (error instanceof PythonJobError && !error.retryable);
  return ApplicationFailure.create({ ...failure, nonRetryable: permanent });
}
