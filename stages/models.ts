import type { ModelSpec, RunSpec, Sampling } from '../config/spec';
import { canonicalJson } from '../method/canonical-json';

/** Who answers: the same id means the same weights, wherever they are served. */
export function modelIdentity(model: ModelSpec): string {
  const { id, serve, baseURL, template } = model;
  const where = serve === undefined ? [baseURL, model.model] : ['served', serve.weights ?? null, serve.revision ?? null, model.model];
  return canonicalJson({ endpoint: id ?? where, template: template ?? null });
}

/** The sampling of one model in a stage: the stage's own, with the model's overrides. */
export function samplingFor(
  stage: { readonly sampling: Sampling; readonly perModel: Readonly<Record<string, Partial<Sampling>>> },
  model: string,
): Sampling {
  return { ...stage.sampling, ...stage.perModel[model] };
}

/** The model that a validated spec names. */
export function modelOf(spec: RunSpec, name: string): ModelSpec {
  const model = spec.models[name];
  if (model === undefined) throw new Error(`models has no "${name}"; a validated spec cannot come here`);
  return model;
}
