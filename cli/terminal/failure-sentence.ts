import { ActivityFailure, ChildWorkflowFailure, WorkflowFailedError } from '@temporalio/client';
import { oneLine } from './output';

const MAX_LENGTH = 600;

/**
 * What went wrong, in the words of the activity or workflow that gave up: the wrappings that the failure got on its way
 * up (child workflow, activity) are taken off. What lies below that failure are details of the same error.
 */
export function failureSentence(error: unknown): string {
  let reason = error;
  for (let current = error; current instanceof Error; current = current.cause) {
    const wrapping =
      current instanceof WorkflowFailedError || current instanceof ActivityFailure || current instanceof ChildWorkflowFailure;
    if (wrapping && current.cause !== undefined) reason = current.cause;
  }
  return oneLine(reason instanceof Error ? reason.message : String(reason), MAX_LENGTH);
}
