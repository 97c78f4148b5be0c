import { specOfVariant } from '../config/training-method';
import type { Response } from '../method/records';
import type { RunPlan } from '../stages/run-plan';

/** Whether a variant's rows carry the thoughts of their answers. */
export function keepsThoughts({ spec }: RunPlan, variant: string): boolean {
  return specOfVariant(spec, variant).train.thoughts === 'keep';
}

/** What each response was thought from, by its id; those without thoughts are left out. */
export function thoughtsOf(responses: readonly Response[]): Map<string, string> {
  return new Map(responses.flatMap(({ id, reasoning }) => (reasoning === undefined ? [] : [[id, reasoning] as const])));
}
