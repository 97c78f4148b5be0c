import { ApplicationFailure } from '@temporalio/common';

/**
 * Types of the failures that cross a Temporal boundary: each is the name of an error class, or of a failure that ends a
 * workflow. Classes and workflows declare theirs with `satisfies FailureType`, so that a misspelt one does not compile.
 */
export type FailureType =
  /** An endpoint refuses every request of a batch. */
  | 'AllRefusedError'
  | 'EndpointUnavailableError'
  /** A cancelled run's batches may still run at their provider. */
  | 'BatchesNotCancelledError'
  /** A cancelled run's fine-tuning job may still run at its provider. */
  | 'FineTuningNotCancelledError'
  /** A stored input is damaged or gone; running the stages before again recomputes it. */
  | 'InputLostError'
  | 'MethodError'
  /** A synthesis kept none of its instructions. */
  | 'NoReplayRowsError'
  | 'ModelServerError'
  /** Another run or worker makes the output; it is looked at again. */
  | 'OwnedElsewhereError'
  | 'PermanentEndpointError'
  | 'PythonJobError'
  /** An error that nobody foresaw ended three attempts in a row alike. */
  | 'RepeatedFaultError'
  | 'SpecError'
  /** Batches are out at a provider; they are looked at again. */
  | 'StillOrderedError'
  /** A provider's fine-tuning job goes on; it is looked at again. */
  | 'StillTrainingError'
  /** The store cannot be read or written before somebody repairs it; pauses the run. */
  | 'StorageUnavailableError'
  /** The store is damaged again and again. */
  | 'StoreDamagedError'
  | 'TemplateNotReadError'
  /** Nearly all replies of a model are unusable; pauses the run. */
  | 'UnusableRepliesError'
  | 'VariantsFailedError'
  | 'WeightsNotFoundError'
  | 'WorkerDrainingError'
  /** A worker was killed with this activity in work; another one goes on. */
  | 'WorkerLostError';

/** The failure of this type that an error is, or is caused by, here or in a child workflow. */
export function failureOfType(error: unknown, type: FailureType): ApplicationFailure | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof ApplicationFailure && current.type === type) return current;
  }
  return undefined;
}
