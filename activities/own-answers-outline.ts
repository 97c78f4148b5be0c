import type { OwnAnswersOutline } from '../contract/run';
import { runCosts } from '../planning/run-costs';
import { ownAnswersPlans } from '../stages/own-answers-plan';
import type { RunPlan } from '../stages/run-plan';
import { earlyOutline } from './early-outline';

/** What the workflows have to know of the target's own answers: one entry for each set that differs. */
export function ownAnswersOutlines(plan: RunPlan): OwnAnswersOutline[] {
  return [...ownAnswersPlans(plan)].map(([name, own]) => {
    const { respond, judge } = own.spec.synthesis;
    return {
      name,
      prompts: plan.prompts?.[name] ?? 0,
      shards: own.shards.length,
      samples: respond.samples,
      judges: judge.judges,
      costs: runCosts(own.spec),
      ...earlyOutline(own),
    };
  });
}
