import { ApplicationFailure } from '@temporalio/activity';
import { problemSentence } from '../config/spec-errors';
import type { FailureType } from '../contract/failures';
import type { PlanRef } from '../contract/run';
import { keyProblems } from '../services/runs/spec-files';
import { checkStoreWorks } from '../services/store/store-check';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

/** API keys are in the environment of the llm workers, and their store may be another than the planner's: both are looked at before the first call. */
export function createCheckKeysActivities(deps: ActivityDeps) {
  return {
    async checkKeys({ plan }: PlanRef): Promise<void> {
      await runActivity(deps, async () => {
        const problems = keyProblems((await deps.plans.load(plan)).spec, deps.env);
        if (problems.length > 0) {
          throw ApplicationFailure.nonRetryable(
            problems.map((problem) => problemSentence(problem)).join('; '),
            'SpecError' satisfies FailureType,
          );
        }
        await checkStoreWorks(deps.store);
      });
    },
  };
}
