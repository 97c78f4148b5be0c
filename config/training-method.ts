import type { RunSpec } from './spec';
import type { TRAINING_METHODS, TrainOverrides } from './spec-train';
import { variantsOf, type Variant } from './variants';

export type TrainingMethod = (typeof TRAINING_METHODS)[number];

type Train = RunSpec['train'];

/** Of a method that a variant names and `train` does not use, without a rate of its own. */
const AUTHORS_RATES: Readonly<Record<TrainingMethod, number>> = {
  /** The paper's. */
  full: 1e-6,
  /** Hu et al. (2021), table 12: GPT-3 with LoRA; also what peft's and TRL's examples use. */
  lora: 2e-4,
  /** training_hub's example of OSFT, by the authors of the method. */
  osf: 2e-5,
  /** TRL's example of SDFT. */
  sdft: 2e-5,
  /** Of the new data, which it learns as full SFT does; also TRL's for its distillation. */
  distill: 1e-6,
};

/** The defaults of `train.lora` and its like, where a method is named alone. */
const DEFAULT_LORA = { rank: 16, alpha: 32, dropout: 0, quantize: false } as const;
const DEFAULT_OSF = { effectiveRank: 0.5 } as const;
const DEFAULT_SDFT = { generations: 8, maxTokens: 256, temperature: 1 } as const;
const DEFAULT_DISTILL = { epochs: 1, maxTokens: 256, temperature: 1 } as const;

/** Methods with settings of their own, which say it alone. */
export const METHOD_KEYS = ['lora', 'osf', 'sdft', 'distill'] as const;
type MethodKey = (typeof METHOD_KEYS)[number];

/** Settings that name their method. */
type MethodSettings = Pick<Train, 'method' | MethodKey>;

/** How these settings train; those of a method alone say it, too. */
export function methodOf(train: MethodSettings): TrainingMethod {
  return train.method ?? METHOD_KEYS.find((key) => train[key] !== undefined) ?? 'full';
}

/** As memory and reports tell methods apart. */
export type Tuning = TrainingMethod | 'qlora';

/** What people call them. */
export const TUNING_NAMES: Readonly<Record<Tuning, string>> = {
  full: 'full SFT',
  lora: 'LoRA',
  qlora: 'QLoRA',
  osf: 'OSF',
  sdft: 'SDFT',
  distill: 'distillation',
};

/** How these settings train, as far as memory and reports tell methods apart. */
export function tuningOf(train: MethodSettings): Tuning {
  const own = methodOf(train);
  return own === 'lora' && train.lora?.quantize === true ? 'qlora' : own;
}

/** The settings with those of their method, and of no other one, filled in. Settings of before there were methods are as they were. */
export function settled(train: Train): Train {
  const { method: _method, lora, osf, sdft, distill, ...rest } = train;
  switch (methodOf(train)) {
    case 'full':
      return rest;
    case 'lora':
      return { ...rest, lora: lora ?? DEFAULT_LORA };
    case 'osf':
      return { ...rest, osf: osf ?? DEFAULT_OSF };
    case 'sdft':
      return { ...rest, sdft: sdft ?? DEFAULT_SDFT };
    case 'distill':
      return { ...rest, distill: distill ?? DEFAULT_DISTILL };
  }
}

/** A spec as one of its variants trains: with the variant's own settings in `train`, settled. */
export function specOf<Spec extends Pick<RunSpec, 'train'>>(spec: Spec, { train: overrides }: Pick<Variant, 'train'>): Spec {
  return { ...spec, train: overrides === undefined ? settled(spec.train) : overridden(spec.train, overrides) };
}

/** As {@link specOf}, by the variant's name. @throws Error when the spec has no such variant */
export function specOfVariant(spec: RunSpec, name: string): RunSpec {
  const variant = variantsOf(spec).find((each) => each.name === name);
  if (variant === undefined) throw new Error(`the spec has no variant "${name}"; a validated spec cannot come here`);
  return specOf(spec, variant);
}

/** Whether settings say how to train, rather than leaving it to others. */
export function namesMethod(train: MethodSettings): boolean {
  return train.method !== undefined || METHOD_KEYS.some((key) => train[key] !== undefined);
}

function overridden(train: Train, overrides: TrainOverrides): Train {
  const own = methodOf(namesMethod(overrides) ? overrides : train);
  const { lora, osf, sdft, distill, maxSteps, ...rest } = train;
  const rate = learnsAlike(own, methodOf(train)) ? train.learningRate : AUTHORS_RATES[own];
  return settled({
    ...rest,
    learningRate: rate,
    // Epochs of a variant are counted, whatever the steps of the others.
    ...(maxSteps === undefined || overrides.epochs !== undefined ? {} : { maxSteps }),
    ...(own === 'lora' && lora !== undefined ? { lora } : {}),
    ...(own === 'osf' && osf !== undefined ? { osf } : {}),
    ...(own === 'sdft' && sdft !== undefined ? { sdft } : {}),
    ...(own === 'distill' && distill !== undefined ? { distill } : {}),
    ...overrides,
    method: own,
  });
}

/** Whether what is right for one method's learning rate is for the other's: a distillation learns the new data by full SFT. */
function learnsAlike(own: TrainingMethod, others: TrainingMethod): boolean {
  const asFull = (method: TrainingMethod): TrainingMethod => (method === 'distill' ? 'full' : method);
  return asFull(own) === asFull(others);
}
