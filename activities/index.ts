import { createCheckKeysActivities } from './check-keys';
import { createCheckTasksActivities } from './check-tasks';
import { createCollectEvaluationActivities } from './collect-evaluation';
import type { ActivityDeps } from './deps';
import { createDocumentsActivities } from './documents';
import { createEvaluateActivities } from './evaluate';
import { createExtractActivities } from './extract';
import { createFilterActivities } from './filter';
import { createFineTuningActivities } from './fine-tuning';
import { createHoldOutActivities } from './hold-out';
import { createJudgeActivities } from './judge';
import { createMeasureLossesActivities } from './measure-losses';
import { createMixActivities } from './mix';
import { createPrepareActivities } from './prepare';
import { createReplaySetActivities } from './replay-set';
import { createReportActivities } from './report';
import { createRespondActivities } from './respond';
import { createSelectActivities } from './select';
import { createServeModelActivities } from './serve-model';
import { createStoredCostsActivities } from './stored-costs';
import { createTrainActivities } from './train';

/** What runs on the llm queue: everything that calls a model endpoint, fine-tuning by one included. */
export function createLlmActivities(deps: ActivityDeps) {
  return {
    ...createCheckKeysActivities(deps),
    ...createExtractActivities(deps),
    ...createRespondActivities(deps),
    ...createJudgeActivities(deps),
    ...createStoredCostsActivities(deps),
    ...createFineTuningActivities(deps),
  };
}

/** What runs on the cpu queue: planning, filters, selection, what is kept back, replay sets, mixing, reporting. */
export function createCpuActivities(deps: ActivityDeps) {
  return {
    ...createPrepareActivities(deps),
    ...createFilterActivities(deps),
    ...createSelectActivities(deps),
    ...createHoldOutActivities(deps),
    ...createReplaySetActivities(deps),
    ...createMixActivities(deps),
    ...createCollectEvaluationActivities(deps),
    ...createReportActivities(deps),
  };
}

/** What runs on the gpu queue: training and evaluation, and what Python fetches for the filters. */
export function createGpuActivities(deps: ActivityDeps) {
  return {
    ...createCheckTasksActivities(deps),
    ...createDocumentsActivities(deps),
    ...createTrainActivities(deps),
    ...createEvaluateActivities(deps),
    ...createMeasureLossesActivities(deps),
    ...createServeModelActivities(deps),
  };
}

export type LlmActivities = ReturnType<typeof createLlmActivities>;
export type CpuActivities = ReturnType<typeof createCpuActivities>;
export type GpuActivities = ReturnType<typeof createGpuActivities>;
