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
};

/** The defaults of `train.lora`, `train.osf` and `train.sdft`, where a method is named alone. */
const DEFAULT_LORA = { rank: 16, alpha: 32, dropout: 0, quantize: false } as const;
const DEFAULT_OSF = { effectiveRank: 0.5 } as const;
const DEFAULT_SDFT = { generations: 8, maxTokens: 256, temperature: 1 } as const;

/** Settings that name their method. */
type MethodSettings = Pick<Train, 'method' | 'lora' | 'osf' | 'sdft'>;

/** How these settings train; those of a method alone say it, too. */
export function methodOf({ method, lora, osf, sdft }: MethodSettings): TrainingMethod {
  return method ?? (lora !== undefined ? 'lora' : osf !== undefined ? 'osf' : sdft !== undefined ? 'sdft' : 'full');
}

/** As memory and reports tell methods apart. */
export type Tuning = TrainingMethod | 'qlora';

/** How these settings train, as far as memory and reports tell methods apart. */
export function tuningOf(train: MethodSettings): Tuning {
  const own = methodOf(train);
  return own === 'lora' && train.lora?.quantize === true ? 'qlora' : own;
}

/** The settings with those of their method, and of no other one, filled in. Settings of before there were methods are as they were. */
export function settled(train: Train): Train {
  const { method: _method, lora, osf, sdft, ...rest } = train;
  switch (methodOf(train)) {
    case 'full':
      return rest;
    case 'lora':
      return { ...rest, lora: lora ?? DEFAULT_LORA };
    case 'osf':
      return { ...rest, osf: osf ?? DEFAULT_OSF };
    case 'sdft':
      return { ...rest, sdft: sdft ?? DEFAULT_SDFT };
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
export function namesMethod({ method, lora, osf, sdft }: MethodSettings): boolean {
  return method !== undefined || lora !== undefined || osf !== undefined || sdft !== undefined;
}

function overridden(train: Train, overrides: TrainOverrides): Train {
  const own = methodOf(namesMethod(overrides) ? overrides : train);
  const { lora, osf, sdft, maxSteps, ...rest } = train;
  const rate = own === methodOf(train) ? train.learningRate : AUTHORS_RATES[own];
  return settled({
    ...rest,
    learningRate: rate,
    // Epochs of a variant are counted, whatever the steps of the others.
    ...(maxSteps === undefined || overrides.epochs !== undefined ? {} : { maxSteps }),
    ...(own === 'lora' && lora !== undefined ? { lora } : {}),
    ...(own === 'osf' && osf !== undefined ? { osf } : {}),
    ...(own === 'sdft' && sdft !== undefined ? { sdft } : {}),
    ...overrides,
    method: own,
  });
}
