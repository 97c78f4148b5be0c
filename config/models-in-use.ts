import type { ModelSpec, RunSpec } from './spec';
import { providerTrainedModel, trainingTraits } from './training-backends';

interface SpecModels {
  readonly target: { readonly model: string };
  readonly synthesis: {
    readonly respond: { readonly generators: readonly string[] };
    readonly judge: { readonly judges: readonly string[] };
  };
}

interface PricedModels extends SpecModels {
  readonly models: Readonly<Record<string, { readonly price?: { readonly trainingUsdPerMillion?: number | undefined } | undefined }>>;
  readonly train?: Parameters<typeof providerTrainedModel>[0]['train'];
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

/** Names of the models that an endpoint must have: those that a stage calls, and the one that its provider trains. */
export function endpointModels(spec: SpecModels & Pick<PricedModels, 'train'>): string[] {
  return [...new Set([...modelsInUse(spec), providerTrainedModel(spec) ?? spec.target.model])];
}

/** Names of the models whose price is needed for a budget in dollars, and is not there; and the one whose price of training is not. */
export function unpricedModels(spec: PricedModels): { readonly calls: readonly string[]; readonly training: readonly string[] } {
  const { models } = spec;
  const trained = trainingTraits(spec).chargesTokens ? providerTrainedModel(spec) : undefined;
  return {
    calls: modelsInUse(spec).filter((name) => models[name] !== undefined && models[name].price === undefined),
    training:
      trained !== undefined && models[trained] !== undefined && models[trained].price?.trainingUsdPerMillion === undefined ? [trained] : [],
  };
}
