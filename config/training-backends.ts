import type { EvaluationBackend } from './evaluation-backends';

/** A value of `train.backend`: who trains, and by which interface. */
export type TrainingBackend = 'trl' | 'openai';

/** A key under `train` with the settings of one backend. */
type SettingsKey = 'openai';

/** What the spec's checks, plans, reports and commands know of a way to train, without running it. */
export interface TrainingTraits {
  /** Key under `train` of its own settings; null where it reads those of `train` itself, such as `learningRate` and `maxSteps`. */
  readonly settings: SettingsKey | null;
  /** Whether a gpu worker trains `target.weights`. Otherwise the provider of an endpoint trains one of its models. */
  readonly readsWeights: boolean;
  /** Whether the provider charges for trained tokens, so that a budget in dollars needs `price.trainingUsdPerMillion`. */
  readonly chargesTokens: boolean;
  /** Why the loss on held-out rows cannot be measured; null where it can. */
  readonly noHeldOutLoss: string | null;
  readonly evaluation: {
    /** What can evaluate the trained models. */
    readonly by: readonly EvaluationBackend[];
    /** Why nothing else can, after "since "; `trained` names the variants. */
    readonly since: (trained: string) => string;
    readonly hint: string;
  };
  readonly phrases: {
    /** In the JSON Schema, after the name and a colon. */
    readonly schema: string;
    /** In the report: what is done with examples whose answer was cut at a token limit. */
    readonly cutAnswers: string;
  };
}

export const TRAINING_BACKENDS: Readonly<Record<TrainingBackend, TrainingTraits>> = {
  trl: {
    settings: null,
    readsWeights: true,
    chargesTokens: false,
    noHeldOutLoss: null,
    evaluation: {
      by: ['transformers', 'vllm'],
      since: (trained) => `nothing serves what ${trained} will train`,
      hint: 'those two load the weights themselves; or evaluate the official model alone (variants: [official])',
    },
    phrases: {
      schema: 'full SFT of target.weights on the gpu queue.',
      cutAnswers: 'No loss is taken on an end-of-turn token that the model never wrote.',
    },
  },
  openai: {
    settings: 'openai',
    readsWeights: false,
    chargesTokens: true,
    noHeldOutLoss: 'a chat API does not tell the loss on a text',
    evaluation: {
      by: ['openai'],
      since: () => 'what a provider has trained can only be asked through its API',
      hint: 'set it, and name tasks that a chat API can do, such as ifeval and math_level_5',
    },
    phrases: {
      schema: 'the OpenAI fine-tuning API, for a model whose weights nobody has.',
      cutAnswers: 'The provider trains every answer to its end, so such examples are not sent.',
    },
  },
};

/** Names of all backends, in the order of the JSON Schema. */
export const TRAINING_BACKEND_NAMES = Object.keys(TRAINING_BACKENDS) as [TrainingBackend, ...TrainingBackend[]];

export const DEFAULT_TRAINING_BACKEND: TrainingBackend = 'trl';

/** Backends by which the provider of an endpoint trains, as a message names them. */
export const PROVIDER_BACKENDS = TRAINING_BACKEND_NAMES.filter((name) => !TRAINING_BACKENDS[name].readsWeights).join(' or ');

/** What is read of a spec, which need not be valid yet. */
interface TrainedSpec {
  readonly target: { readonly model: string };
  readonly train?:
    | ({ readonly backend?: string | undefined } & {
        readonly [key in SettingsKey]?: { readonly model?: string | undefined } | undefined;
      })
    | undefined;
}

/** Traits of a spec's backend: the default's where it names none, or one that there is not. */
export function trainingTraits({ train }: Pick<TrainedSpec, 'train'>): TrainingTraits {
  const name = train?.backend ?? DEFAULT_TRAINING_BACKEND;
  return TRAINING_BACKENDS[Object.hasOwn(TRAINING_BACKENDS, name) ? (name as TrainingBackend) : DEFAULT_TRAINING_BACKEND];
}

/** Name under `models` of the model that its provider trains; undefined where a gpu worker trains weights. */
export function providerTrainedModel({ target, train }: TrainedSpec): string | undefined {
  const { readsWeights, settings } = trainingTraits({ train });
  if (readsWeights) return undefined;
  return (settings === null ? undefined : train?.[settings]?.model) ?? target.model;
}

/** Optimizer steps that the spec itself fixes; undefined where data and epochs decide, or the provider. */
export function fixedSteps({
  train,
}: {
  readonly train: { readonly backend: TrainingBackend; readonly maxSteps?: number | undefined };
}): number | undefined {
  return TRAINING_BACKENDS[train.backend].settings === null ? train.maxSteps : undefined;
}
