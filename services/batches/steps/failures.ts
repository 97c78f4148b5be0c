import type { Failure, FailureStage } from '../../../method/records';
import type { CallError } from '../../../stages/call-record';

const LONGEST_MESSAGE = 200;

/** The failure of an item whose request the endpoint refused: the kind, and the endpoint's own message in one line, shortened. */
export function refusalFailure(stage: FailureStage, id: string, model: string, error: CallError, attempts: number): Failure {
  const message = error.message.replace(/\s+/g, ' ').slice(0, LONGEST_MESSAGE);
  return { stage, id, model, reason: `${error.kind}: ${message}`, attempts };
}
