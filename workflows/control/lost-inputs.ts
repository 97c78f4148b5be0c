import { ApplicationFailure, log } from '@temporalio/workflow';
import { failureOfType, type FailureType } from '../../contract/failures';

/** Each turn mends at least one output; a store that spoils more than this is not to be worked on. */
const MOST_TURNS = 20;

/**
 * Runs stages, and runs them again when an activity found that a stored input of it is damaged or gone: the damaged output
 * has been set aside, so the second time it is made anew, and all that is whole is found at once.
 * @param begin is called before every turn but the first
 * @throws what else fails; the loss itself, when these stages do not mend it; StoreDamagedError when there is no end to it
 */
export async function untilInputsHold<T>(stages: () => Promise<T>, begin: () => void = () => undefined): Promise<T> {
  let before: string | undefined;
  for (let turn = 1; ; turn++) {
    try {
      return await stages();
    } catch (error) {
      const lost = failureOfType(error, 'InputLostError')?.message;
      // The same loss again: other stages than these make that output, and whoever runs them is to know.
      if (lost === undefined || lost === before) throw error;
      before = lost;
      if (turn === MOST_TURNS) {
        throw ApplicationFailure.nonRetryable(
          `the store is damaged again and again, ${turn} times by now: ${lost}; check its disk before you resume the run`,
          'StoreDamagedError' satisfies FailureType,
        );
      }
      log.warn('a stored output is damaged or gone: the stages before are run again', { turn, lost });
    }
    begin();
  }
}

/** Whether a failure, here or in a child, is one that running the stages before again makes good. */
export function isInputLost(error: unknown): boolean {
  return failureOfType(error, 'InputLostError') !== undefined;
}
