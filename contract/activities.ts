import type { RunSpecInput } from '../config/spec';
import type { BatchOutcome, JudgeBatch, ShardBatch, StoredCosts, StoredFrom } from './batches';
import type { Notice } from './notices';
import type { EvaluateOutcome, FilterOutcome, HoldOutOutcome, MixOutcome, ReplaySetOutcome, TaskOutcome, TrainOutcome } from './outcomes';
import type { EvaluatedModel, FailedVariantNote, PlanRef, ProbeInput, RunOutline, VariantRef } from './run';
import type { RunSettings } from './run-settings';
import type { ActivityQueue } from './task-queues';
import type { WorkerReport } from './worker-report';

/** Every activity that a run schedules: one object in, one object out. */
export interface Activities {
  /** Checks the spec where its files are and stores the run's plan. */
  prepareRun(input: { readonly runId: string; readonly spec: RunSpecInput; readonly settings?: RunSettings }): Promise<RunOutline>;
  /** Sets every damaged output of the run aside, to be made again; returns a sentence for each. */
  setDamagedAside(input: PlanRef): Promise<{ readonly damaged: readonly string[] }>;
  /** Keeps what was set on a run, for a `resume` after the run has ended. */
  saveSettings(input: { readonly runId: string; readonly settings: RunSettings }): Promise<void>;
  /** Fails unless the API keys are in the llm workers' environment. */
  checkKeys(input: PlanRef): Promise<void>;
  /** Asks each endpoint what it takes and gives; returns the plan with what was found. Fails where a model cannot do what the spec wants of it. */
  probeModels(input: ProbeInput): Promise<Pick<RunOutline, 'plan' | 'probed'>>;
  /** Fails unless lm-evaluation-harness has the spec's other tasks. */
  checkTasks(input: PlanRef): Promise<void>;
  /** Fails unless the target's own chat template takes the new data, line by line. */
  renderNewData(input: PlanRef): Promise<void>;
  /** The same where no gpu worker was free: by a cpu worker whose machine has the trainer's Python environment. */
  renderNewDataOnCpu(input: PlanRef): Promise<void>;
  /** Fails unless the trackers of the spec's trainings are installed. */
  checkTrackers(input: PlanRef): Promise<void>;

  /** Makes sure that the prompts of all rows of own answers are in the store. */
  drawPrompts(input: PlanRef): Promise<void>;
  extractShard(input: ShardBatch): Promise<BatchOutcome>;
  respondShard(input: ShardBatch & { readonly generator: string }): Promise<BatchOutcome>;
  judgeShard(input: JudgeBatch): Promise<BatchOutcome>;
  selectShard(input: PlanRef & { readonly shard: number }): Promise<BatchOutcome>;
  /** Cancels what a run has ordered for a shard from batch APIs. */
  cancelOrders(input: PlanRef & { readonly shard: number }): Promise<{ readonly cancelled: number }>;
  /** What is stored of the shards from these numbers on has cost. */
  storedCosts(input: PlanRef & { readonly from: StoredFrom }): Promise<StoredCosts>;
  /** Fetches the questions of the evaluation sets that are on the hub; returns how many there are. */
  fetchDocuments(input: PlanRef): Promise<{ readonly documents: number }>;
  filterInstructions(input: PlanRef): Promise<FilterOutcome>;
  /** Serves a model until it is cancelled, and tells the run its address at every start. */
  serveModel(input: PlanRef & { readonly model: string }): Promise<never>;

  holdOut(input: PlanRef): Promise<HoldOutOutcome>;
  loadReplaySet(input: VariantRef): Promise<ReplaySetOutcome>;
  mixVariant(input: VariantRef): Promise<MixOutcome>;
  trainVariant(input: VariantRef): Promise<TrainOutcome>;
  /** Makes the weights of a variant that lies between the official model and another variant. */
  interpolateVariant(input: VariantRef): Promise<TrainOutcome>;
  estimateFineTuning(input: VariantRef): Promise<{ readonly key: string; readonly usd: number | null; readonly ordered: boolean }>;
  submitFineTuning(input: VariantRef): Promise<string | null>;
  awaitFineTuning(input: VariantRef): Promise<TrainOutcome>;
  cancelFineTuning(input: VariantRef): Promise<void>;

  /** What a variant's model is by its content. */
  identifyModel(input: VariantRef): Promise<EvaluatedModel>;
  evaluateTask(input: VariantRef & { readonly task: string; readonly model: EvaluatedModel }): Promise<TaskOutcome>;
  /** Mean loss a token (nats) by held-out set. */
  measureLosses(input: VariantRef & { readonly model: EvaluatedModel }): Promise<Record<string, number>>;
  collectEvaluation(input: VariantRef & { readonly model: EvaluatedModel }): Promise<EvaluateOutcome>;
  /** Writes the report; returns its path. */
  writeReport(input: PlanRef & { readonly failed?: readonly FailedVariantNote[] }): Promise<{ readonly report: string }>;
  /** Tells people, by the webhook or the command of the worker's environment. */
  sendNotice(notice: Notice): Promise<void>;
}

export type ActivityName = keyof Activities;

/**
 * Which activity is of which task queue: the llm queue calls model endpoints, the gpu queue runs Python, all else is the cpu
 * queue's. Workers register, workflows schedule and the live view reads by this table alone; a name that it lacks, or that no
 * activity has, does not compile.
 */
const ACTIVITY_QUEUES = {
  checkKeys: 'llm',
  probeModels: 'llm',
  extractShard: 'llm',
  respondShard: 'llm',
  judgeShard: 'llm',
  cancelOrders: 'llm',
  storedCosts: 'llm', // where the journals are
  estimateFineTuning: 'llm',
  submitFineTuning: 'llm',
  awaitFineTuning: 'llm',
  cancelFineTuning: 'llm',

  prepareRun: 'cpu',
  setDamagedAside: 'cpu',
  saveSettings: 'cpu',
  drawPrompts: 'cpu',
  renderNewDataOnCpu: 'cpu',
  filterInstructions: 'cpu',
  selectShard: 'cpu',
  holdOut: 'cpu',
  loadReplaySet: 'cpu',
  mixVariant: 'cpu',
  collectEvaluation: 'cpu',
  writeReport: 'cpu',
  sendNotice: 'cpu',

  checkTasks: 'gpu',
  renderNewData: 'gpu',
  checkTrackers: 'gpu',
  fetchDocuments: 'gpu',
  serveModel: 'gpu',
  trainVariant: 'gpu',
  interpolateVariant: 'gpu',
  identifyModel: 'gpu',
  evaluateTask: 'gpu',
  measureLosses: 'gpu',
} as const satisfies Readonly<Record<ActivityName, ActivityQueue>>;

/** The activities of one queue. */
export type ActivitiesOn<Queue extends ActivityQueue> = Pick<
  Activities,
  { [Name in ActivityName]: (typeof ACTIVITY_QUEUES)[Name] extends Queue ? Name : never }[ActivityName]
>;

/** The queue of an activity type; undefined for one that is not ours. */
export function queueOfActivity(type: string): ActivityQueue | undefined {
  return Object.hasOwn(ACTIVITY_QUEUES, type) ? ACTIVITY_QUEUES[type as ActivityName] : undefined;
}

/** Of all activities, those that a worker of this queue registers. */
export function activitiesOn<Queue extends ActivityQueue>(queue: Queue, all: Activities): ActivitiesOn<Queue> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => queueOfActivity(name) === queue)) as unknown as ActivitiesOn<Queue>;
}

/** What one worker process answers on the queue of its own. */
export interface WorkerActivities {
  describeWorker(): Promise<WorkerReport>;
}
