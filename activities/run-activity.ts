import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { SpecError } from '../config/spec-errors';
import type { FailureType } from '../contract/failures';
import type { HeartbeatDetails } from '../contract/progress';
import { MethodError } from '../method/method-error';
import { AllRefusedError } from '../services/batches/all-refused';
import { UnusableRepliesError } from '../services/batches/reply-watch';
import { PermanentEndpointError } from '../services/endpoints/endpoint-errors';
import { ModelServerError } from '../services/local/model-server';
import { PythonJobError } from '../services/python/python-jobs';
import { CorruptArtifactError, InputLostError } from '../services/store/stage-store';
import { StorageUnavailableError, storageFault } from '../services/store/storage-errors';
import { TemplateNotReadError } from '../services/tokenizers/template-error';
import { WeightsNotFoundError } from '../services/training/weights';
import type { ActivityDeps } from './deps';
import { HeartbeatPace } from './heartbeat-pace';
import { faultIn, faultOf, repeatedFault, type Fault } from './repeated-fault';

/** What an activity body gets: when to stop, and how to say that it is alive. */
export interface ActivityScope {
  /** Aborted on cancellation and when the worker drains. */
  readonly stop: AbortSignal;
  /** Of the activity; absent where its body runs in a process of its own. */
  readonly context?: Context;
  /** Takes a function where telling is work: it is called once a beat. */
  readonly heartbeat: (details: HeartbeatDetails | (() => HeartbeatDetails)) => void;
}

/** Thrown inside an activity when its worker is asked to stop. */
class WorkerDrainingError extends Error {
  override readonly name = 'WorkerDrainingError' satisfies FailureType;
}

const BEAT_MS = 1_000;
/** A hub that is away for longer than these tries of an activity take needs somebody to look. */
const MOST_HUB_TRIES = 5;
/** Names of errors that are the store's or a journal's fault, the most telling first. */
const STORE_FAULTS = ['CorruptArtifactError', 'StorageUnavailableError', 'InputLostError', 'JournalSupersededError'];

/**
 * Runs an activity's body with a steady heartbeat, and turns its errors into Temporal's: what cannot succeed without
 * somebody's doing is non-retryable, all else is tried again, but for a fault that nobody foresaw and that comes three times in a
 * row. A damaged output is set aside, for the workflow to have it made again.
 */
export async function runActivity<T>(
  deps: Pick<ActivityDeps, 'draining' | 'stages' | 'log' | 'metrics'>,
  body: (scope: ActivityScope) => Promise<T>,
): Promise<T> {
  const { draining } = deps;
  const context = Context.current();
  const drained = new AbortController();
  const onDrain = (): void =>
    drained.abort(new WorkerDrainingError('this worker is shutting down; the work goes on elsewhere or after its restart'));
  if (draining.aborted) onDrain();
  draining.addEventListener('abort', onDrain, { once: true });
  let latest: HeartbeatDetails | (() => HeartbeatDetails) | undefined;
  const told = context.info.heartbeatDetails as unknown;
  let fault: Fault | undefined;
  const pace = new HeartbeatPace();
  const beat = (): void => {
    const details = pace.add(typeof latest === 'function' ? latest() : latest, Date.now());
    context.heartbeat(fault === undefined ? details : { ...(details ?? (told as object | undefined)), fault });
  };
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await body({
      stop: AbortSignal.any([context.cancellationSignal, drained.signal]),
      context,
      heartbeat: (details) => {
        latest = details;
      },
    });
  } catch (error) {
    fault = faultOf(error, faultIn(told));
    const repeated = fault === undefined ? undefined : repeatedFault(error as Error, fault);
    const failure = repeated ?? toFailure(error instanceof CorruptArtifactError ? await setAside(deps, error) : error, context);
    count(deps, context.info.activityType, failure, error);
    throw failure;
  } finally {
    if (latest !== undefined || fault !== undefined) beat();
    clearInterval(timer);
    draining.removeEventListener('abort', onDrain);
  }
}

function count({ metrics }: Pick<ActivityDeps, 'metrics'>, activity: string, failure: unknown, error: unknown): void {
  if (failure instanceof CancelledFailure || error instanceof WorkerDrainingError) return; // no fault
  if (failure instanceof ApplicationFailure && failure.category === ApplicationFailureCategory.BENIGN) return; // it is looked at again
  metrics.activityFailed(activity, (failure instanceof ApplicationFailure ? failure.type : undefined) ?? 'unknown');
  const faults = [failure, error].flatMap((each) =>
    each instanceof ApplicationFailure ? [each.type] : each instanceof Error ? [each.name] : [],
  );
  const fault = STORE_FAULTS.find((name) => faults.includes(name));
  if (fault !== undefined) metrics.storeFault(fault);
}

/** Returns what to fail with. */
async function setAside({ stages, log }: Pick<ActivityDeps, 'stages' | 'log'>, error: CorruptArtifactError): Promise<unknown> {
  try {
    await stages.setAside(error);
  } catch (problem) {
    return problem;
  }
  log.warn({ ...error.damage.address, file: error.damage.file }, `${error.message}; its manifest is set aside`);
  return new InputLostError(error.message, { cause: error });
}

function toFailure(error: unknown, context: Context): unknown {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (!(error instanceof Error)) return error;
  const failure = { type: error.name, message: error.message, cause: error };
  if (error instanceof WorkerDrainingError) return ApplicationFailure.create({ ...failure, nextRetryDelay: '1s' });
  const storage =
    error instanceof PythonJobError && error.kind === 'disk_full'
      ? new StorageUnavailableError(error.message, { cause: error })
      : storageFault(error);
  if (storage !== undefined) {
    // A full disk waits for somebody; an object store that is away may be back in a minute.
    return ApplicationFailure.create({ type: storage.name, message: storage.message, cause: storage, nonRetryable: !storage.passing });
  }
  const permanent =
    error instanceof PermanentEndpointError ||
    error instanceof AllRefusedError ||
    error instanceof UnusableRepliesError ||
    error instanceof InputLostError ||
    error instanceof SpecError ||
    error instanceof MethodError ||
    error instanceof WeightsNotFoundError ||
    (error instanceof TemplateNotReadError && (!error.isPassing || context.info.attempt >= MOST_HUB_TRIES)) ||
    error instanceof ModelServerError ||
    (error instanceof PythonJobError && !error.retryable);
  return ApplicationFailure.create({ ...failure, nonRetryable: permanent });
}
