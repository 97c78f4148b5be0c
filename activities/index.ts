import type { Activities } from '../contract/activities';
import { createCancelOrdersActivities } from './cancel-orders';
import { createCheckKeysActivities } from './check-keys';
import { createCheckTasksActivities } from './check-tasks';
import { createCheckTrackersActivities } from './check-trackers';
import { createCollectEvaluationActivities } from './collect-evaluation';
import type { ActivityDeps } from './deps';
import { createDocumentsActivities } from './documents';
import { createEvaluateActivities } from './evaluate';
import { createExtractActivities } from './extract';
import { createFilterActivities } from './filter';
import { createFineTuningActivities } from './fine-tuning';
import { createHoldOutActivities } from './hold-out';
import { createInterpolateActivities } from './interpolate';
import { createJudgeActivities } from './judge';
import { createMeasureLossesActivities } from './measure-losses';
import { createMendActivities } from './mend';
import { createMixActivities } from './mix';
import { createNotifyActivities } from './notify';
import { createPrepareActivities } from './prepare';
import { createProbeModelsActivities } from './probe-models';
import { createPromptsActivities } from './prompts';
import { createRenderNewDataActivities } from './render-new-data';
import { createReplaySetActivities } from './replay-set';
import { createReportActivities } from './report';
import { createRespondActivities } from './respond';
import { createSelectActivities } from './select';
import { createServeModelActivities } from './serve-model';
import { createStoredCostsActivities } from './stored-costs';
import { createTrainActivities } from './train';
/** Every activity, from its dependencies. Which of them a worker registers, `contract/activities.ts` says. */
export function createActivities(deps: ActivityDeps): Activities {
  return {
    ...createPrepareActivities(deps),
    ...createMendActivities(deps),
    ...createCheckKeysActivities(deps),
    ...createProbeModelsActivities(deps),
    ...createCheckTasksActivities(deps),
    ...createRenderNewDataActivities(deps),
    ...createCheckTrackersActivities(deps),
    ...createPromptsActivities(deps),
    ...createExtractActivities(deps),
    ...createDocumentsActivities(deps),
    ...createFilterActivities(deps),
    ...createRespondActivities(deps),
    ...createJudgeActivities(deps),
    ...createSelectActivities(deps),
    ...createCancelOrdersActivities(deps),
    ...createStoredCostsActivities(deps),
    ...createServeModelActivities(deps),
    ...createHoldOutActivities(deps),
    ...createReplaySetActivities(deps),
    ...createMixActivities(deps),
    ...createTrainActivities(deps),
    ...createInterpolateActivities(deps),
    ...createFineTuningActivities(deps),
    ...createEvaluateActivities(deps),
    ...createMeasureLossesActivities(deps),
    ...createCollectEvaluationActivities(deps),
    ...createReportActivities(deps),
    ...createNotifyActivities(deps),
  };
}
