import type { TrainingBackend } from '../config/training-backends';
import type { ReplaySource } from '../config/variants';
import type { Allowance, Cost } from '../method/cost';

/** A run's plan in the store, by its hash: what workflows and activities pass on instead of the plan itself. */
export interface PlanRef {
  readonly runId: string;
  readonly plan: string;
  /** Row of own answers that is meant; absent for the method's synthesis. */
  readonly own?: string;
}

/** One variant of a run. */
export interface VariantRef extends PlanRef {
  readonly variant: string;
}

/** What the workflows need to know of a plan: names and numbers, no text. */
export interface RunOutline extends PlanRef {
  readonly target: string;
  readonly generators: readonly string[];
  readonly judges: readonly string[];
  readonly samples: number;
  readonly instructions: number;
  readonly shards: number;
  readonly shardSize: number;
  readonly concurrentShards: number;
  readonly tasks: readonly string[];
  readonly trainSteps: number | null;
  /** Who trains; absent in outlines of release 0.1.0, where `fineTuning` says it. */
  readonly training?: TrainingBackend;
  /** An endpoint trains, by its fine-tuning API; absent where workers train. */
  readonly fineTuning?: true;
  readonly costs: RunCosts;
  /** Most that the synthesis may cost; without it there is no limit. */
  readonly budget?: Allowance;
  /** What asking the endpoints what they take has cost, which counts in the budget. */
  readonly probed?: Cost;
  /** Filters of the instructions, where the spec has any: then all are extracted and filtered before the first is answered. */
  readonly filter?: { readonly fetchDocuments: boolean };
  /** Responses that can no longer win are left out: the judges in their order, and whether some may have to be judged after all. */
  readonly early?: EarlyOutline;
  /** Rows are held out from every training, to measure the loss on them. */
  readonly holdOut?: true;
  /** Tasks other than the leaderboard's, whose names only a gpu worker can check. */
  readonly otherTasks?: true;
  /** Workers train, so a gpu worker can render the new data as its trainer will; absent in outlines of before. */
  readonly renders?: true;
  /** People are to be told of the run's pauses and end, since the cpu worker that planned it knows how. */
  readonly notify?: true;
  /** The run ends with the replay set, or with the mixtures; absent where it goes to its end. */
  readonly until?: 'replay' | 'mixture';
  /** The trainer reports to trackers, which only a gpu worker can look for. */
  readonly trackers?: true;
  /** Own answers of the target that the run asks for; absent where no row has any. */
  readonly ownAnswers?: readonly OwnAnswersOutline[];
  /** Answers or judgments are ordered from batch APIs: a run that is cancelled cancels them. */
  readonly batched?: true;
  /** Models that gpu workers are to serve. */
  readonly served?: readonly string[];
  readonly variants: readonly VariantOutline[];
}

/** How responses are left out that can no longer win. */
export interface EarlyOutline {
  /** All judges. */
  readonly order: readonly string[];
  /** Whether some responses may have to be judged after all. */
  readonly afterAll: boolean;
  /** Judges that are asked in so many rounds, the best prospects first; without it, about one generator after the other. */
  readonly inRounds?: { readonly judges: readonly string[]; readonly rounds: number };
}

/** The prompts of a data set that the target answers by itself. */
export interface OwnAnswersOutline extends Pick<RunOutline, 'judges' | 'samples' | 'costs' | 'early'> {
  /** Row that they are for; others that ask the same share them. */
  readonly name: string;
  readonly prompts: number;
  readonly shards: number;
}

/** Which models are asked what they take: those that have an address of their own, or one that the run serves. */
export interface ProbeInput extends PlanRef {
  readonly served?: { readonly model: string; readonly baseURL: string };
  /** What asking the others has cost. */
  readonly probed?: Cost;
}

/** One row of the table, as the workflows need to know it. */
export interface VariantOutline {
  readonly name: string;
  /** Kind of its replay set; null for the official model, which is only evaluated. */
  readonly replay: ReplaySource['kind'] | null;
  /** Name of the variant whose training it is made from; absent where there is none. */
  readonly after?: string;
  /** Steps of its training, where it is not trained like the others; null where they are not known. */
  readonly trainSteps?: number | null;
}

/** What a run's model calls are expected to cost, for sizing grants of a budget; what they do cost decides. */
export interface RunCosts {
  /** One instruction. */
  readonly extract: Cost;
  /** By generator: all its responses to one instruction. */
  readonly respond: Readonly<Record<string, Cost>>;
  /** By `JUDGE/GENERATOR`: all judgments of that generator's responses to one instruction. */
  readonly judge: Readonly<Record<string, Cost>>;
  /** By model: the most that one call is likely to reserve. */
  readonly worstCall: Readonly<Record<string, Cost>>;
}

/** A model by its content, not by where it is stored. */
export interface EvaluatedModel {
  /** SHA-256 of its weights, configuration, tokenizer and chat template. */
  readonly sha256: string;
  /** Commit of the hub, for weights from there: every machine is to load the same one. */
  readonly revision?: string;
}

/** A variant that failed, as the report lists it. */
export interface FailedVariantNote {
  readonly name: string;
  readonly reason: string;
}

export interface VariantResult {
  readonly variant: string;
  readonly examples?: number;
  readonly steps?: number;
  readonly checkpoint?: string;
  readonly scores: Readonly<Record<string, number>>;
  /** Absent where the run ends with the mixtures. */
  readonly average?: number;
  /** Mean loss a token (nats) on each held-out set; absent where nothing is held out. */
  readonly losses?: Readonly<Record<string, number>>;
}

export interface ExperimentResult {
  readonly runId: string;
  readonly replayRows: number;
  readonly variants: readonly VariantResult[];
  readonly report: string;
}
