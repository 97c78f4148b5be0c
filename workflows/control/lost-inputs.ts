import { ApplicationFailure, log } from '@temporalio/workflow';
import { failureOfType, type FailureType } from '../../contract/failures';

/** Each turn repairs at least one output; a store that damages more than this is not to be worked on. */
const MOST_TURNS = 20;

/**
 * Runs stages, and runs them again when an activity found that one of its stored inputs is damaged or gone: the damaged output
 * has been set aside, so the second time it is recomputed, and all that is whole is found at once.
 * @param restart is called before every turn but the first
 * @throws what else fails; the failure itself, when these stages do not repair it; StoreDamagedError after too many turns
 */
export async function rerunOnLostInput<T>(stages: () => Promise<T>, restart: () => void = () => undefined): Promise<T> {
  let before: string | undefined;
  for (let turn = 1; ; turn++) {
    try {
      return await stages();
    } catch (error) {
      const lost = failureOfType(error, 'InputLostError')?.message;
      // The same input again: other stages than these compute it, and the workflow that runs them has to know.
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
    restart();
  }
}

/** Whether a failure, here or in a child, is one that running the stages before again repairs. */
export function isInputLost(error: unknown): boolean {
  return failureOfType(error, 'InputLostError') !== undefined;
}
