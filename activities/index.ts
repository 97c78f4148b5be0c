import type { ActivityDeps } from './deps';
import { createCheckKeysActivities } from './check-keys';
import { createEvaluateActivities } from './evaluate';
import { createExtractActivities } from './extract';
import { createJudgeActivities } from './judge';
import { createMixActivities } from './mix';
import { createPrepareActivities } from './prepare';
import { createReportActivities } from './report';
import { createRespondActivities } from './respond';
import { createSelectActivities } from './select';
import { createTrainActivities } from './train';

/** What runs on the llm queue: everything that calls a model endpoint. */
export function createLlmActivities(deps: ActivityDeps) {
  return { ...createCheckKeysActivities(deps), ...createExtractActivities(deps), ...createRespondActivities(deps), ...createJudgeActivities(deps) };
}

/** What runs on the cpu queue: planning, selection, mixing, reporting. */
export function createCpuActivities(deps: ActivityDeps) {
  return { ...createPrepareActivities(deps), ...createSelectActivities(deps), ...createMixActivities(deps), ...createReportActivities(deps) };
}

/** What runs on the gpu queue: training and evaluation. */
export function createGpuActivities(deps: ActivityDeps) {
  return { ...createTrainActivities(deps), ...createEvaluateActivities(deps) };
}

export type LlmActivities = ReturnType<typeof createLlmActivities>;
export type CpuActivities = ReturnType<typeof createCpuActivities>;
export type GpuActivities = ReturnType<typeof createGpuActivities>;
