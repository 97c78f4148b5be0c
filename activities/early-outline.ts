import { earlyJudging } from '../config/early-judging';
import type { EarlyOutline } from '../contract/run';
import { PROSPECTS_SHOWN } from '../method/early-judging';
import type { RunPlan } from '../stages/run-plan';

/** What the workflows have to know of early judging, where a plan has it. */
export function earlyOutline({ spec, keys }: Pick<RunPlan, 'spec' | 'keys'>): { readonly early?: EarlyOutline } {
  const early = earlyJudging(spec);
  if (early === undefined) return {};
  const { order, inRounds } = early;
  return {
    early: {
      order,
      afterAll: keys.judgeAfterAll !== undefined,
      ...(inRounds === undefined ? {} : { inRounds: { judges: inRounds, rounds: PROSPECTS_SHOWN.length + 1 } }),
    },
  };
}
