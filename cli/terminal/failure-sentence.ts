import { ActivityFailure, ChildWorkflowFailure, WorkflowFailedError } from '@temporalio/client';
import { oneLine } from './output';

const MAX_LENGTH = 600;

/**
 * What went wrong, in the words of the activity or workflow that gave up: the wrappings that the failure got on its way
 * up (child workflow, activity) are taken off. What lies below that failure are details of the same error.
 */
export function failureSentence(error: unknown): string {
  let told = error;
  for (let current = error; current instanceof Error; current = current.cause) {
    const wrapping =
      current instanceof WorkflowFailedError || current instanceof ActivityFailure || current instanceof ChildWorkflowFailure;
    if (wrapping && current.cause !== undefined) told = current.cause;
  }
  return oneLine(told instanceof Error ? told.message : String(told), MAX_LENGTH);
}
