import { ApplicationFailure } from '@temporalio/activity';
import { problemSentence } from '../config/spec-errors';
import type { PlanRef } from '../workflows/types';
import { keyProblems } from '../services/spec-files';
import type { ActivityDeps } from './deps';

/** API keys are in the environment of the llm workers, so there they are looked for, before the first call. */
export function createCheckKeysActivities(deps: ActivityDeps) {
  return {
    async checkKeys({ plan }: PlanRef): Promise<void> {
      const problems = keyProblems((await deps.plans.load(plan)).spec, deps.env);
      if (problems.length > 0) throw ApplicationFailure.nonRetryable(problems.map((problem) => problemSentence(problem)).join('; '), 'SpecError');
    },
  };
}
