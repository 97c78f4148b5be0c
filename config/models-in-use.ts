import type { ModelSpec, RunSpec } from './spec';

interface SpecModels {
  readonly target: { readonly model: string };
  readonly synthesis: {
    readonly respond: { readonly generators: readonly string[] };
    readonly judge: { readonly judges: readonly string[] };
  };
}

interface PricedModels extends SpecModels {
  readonly models: Readonly<Record<string, { readonly price?: { readonly trainingUsdPerMillion?: number | undefined } | undefined }>>;
  readonly train?:
    | { readonly backend?: string | undefined; readonly openai?: { readonly model?: string | undefined } | undefined }
    | undefined;
}

/** A model by its name. @throws Error where the spec has none of that name, which a validated spec never asks for */
export function modelOf({ models }: Pick<RunSpec, 'models'>, name: string): ModelSpec {
  const model = models[name];
  if (model === undefined) throw new Error(`models has no "${name}"; a validated spec cannot come here`);
  return model;
}

/** Names of the models that a stage calls, each once. */
export function modelsInUse({ target, synthesis }: SpecModels): string[] {
  return [...new Set([target.model, ...synthesis.respond.generators, ...synthesis.judge.judges])];
}

/** Names of the models whose price is needed for a budget in dollars, and is not there; and the one whose price of training is not. */
export function unpricedModels(spec: PricedModels): { readonly calls: readonly string[]; readonly training: readonly string[] } {
  const { models, train, target } = spec;
  const tuned = train?.backend === 'openai' ? (train.openai?.model ?? target.model) : undefined;
  return {
    calls: modelsInUse(spec).filter((name) => models[name] !== undefined && models[name].price === undefined),
    training: tuned !== undefined && models[tuned] !== undefined && models[tuned].price?.trainingUsdPerMillion === undefined ? [tuned] : [],
  };
}
