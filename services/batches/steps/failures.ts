import type { Failure, FailureStage } from '../../../method/records';
import type { CallError } from '../../../stages/call-record';

/** A loss because the endpoint refused this one request, with its own words, shortened. */
export function lostBy(stage: FailureStage, id: string, model: string, error: CallError, attempts: number): Failure {
  return { stage, id, model, reason: `${error.kind}: ${error.message.replace(/\s+/g, ' ').slice(0, 200)}`, attempts };
}

/** Rough tokens of a text, for token budgets only: four characters each. */
export function roughTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
