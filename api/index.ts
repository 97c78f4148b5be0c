/** What the package offers to TypeScript. The command line is its other half; docs/package.md shows both. */
export { startRun, type StartedRun } from '../cli/runs/start-run';
export { parseSpec, validateRunId } from '../config/load-spec';
export type { RunSpec, RunSpecInput } from '../config/spec';
export { SpecError } from '../config/spec-errors';
export {
  controlQuery,
  pauseUpdate,
  resumeUpdate,
  setBudgetUpdate,
  setLimitsUpdate,
  type ControlState,
  type Pause,
} from '../contract/control';
export { progressQuery, type StageProgress } from '../contract/progress';
export type { ExperimentResult, VariantResult } from '../contract/run';
export type { RunSettings } from '../contract/run-settings';
export { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
export { TASK_QUEUES, type QueueName } from '../contract/task-queues';
export { encryptingConverter } from '../services/codec/aes-gcm-codec';
export type { experiment } from '../workflows';
