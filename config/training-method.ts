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
};

/** The defaults of `train.lora` and `train.osf`, where a method is named alone. */
const DEFAULT_LORA = { rank: 16, alpha: 32, dropout: 0, quantize: false } as const;
const DEFAULT_OSF = { effectiveRank: 0.5 } as const;

/** How these settings train; `lora` or `osf` alone says it, too. */
export function methodOf({ method, lora, osf }: Pick<Train, 'method' | 'lora' | 'osf'>): TrainingMethod {
  return method ?? (lora !== undefined ? 'lora' : osf !== undefined ? 'osf' : 'full');
}

/** How these settings train, as far as memory and reports tell methods apart. */
export function tuningOf(train: Pick<Train, 'method' | 'lora' | 'osf'>): TrainingMethod | 'qlora' {
  const own = methodOf(train);
  return own === 'lora' && train.lora?.quantize === true ? 'qlora' : own;
}

/** The settings with those of their method, and of no other one, filled in. Settings of before there were methods are as they were. */
export function settled(train: Train): Train {
  const { method: _method, lora, osf, ...rest } = train;
  switch (methodOf(train)) {
    case 'full':
      return rest;
    case 'lora':
      return { ...rest, lora: lora ?? DEFAULT_LORA };
    case 'osf':
      return { ...rest, osf: osf ?? DEFAULT_OSF };
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

function overridden(train: Train, overrides: TrainOverrides): Train {
  const own = methodOf(overrides.method === undefined && overrides.lora === undefined && overrides.osf === undefined ? train : overrides);
  const { lora, osf, maxSteps, ...rest } = train;
  const rate = own === methodOf(train) ? train.learningRate : AUTHORS_RATES[own];
  return settled({
    ...rest,
    learningRate: rate,
    // Epochs of a variant are counted, whatever the steps of the others.
    ...(maxSteps === undefined || overrides.epochs !== undefined ? {} : { maxSteps }),
    ...(own === 'lora' && lora !== undefined ? { lora } : {}),
    ...(own === 'osf' && osf !== undefined ? { osf } : {}),
    ...overrides,
    method: own,
  });
}
