import type { ModelSpec } from '../config/spec';
import { canonicalJson } from '../method/canonical-json';

/** Who answers: the same id means the same weights, wherever they are served. */
export function modelIdentity(model: ModelSpec): string {
  const { id, serve, baseURL, template } = model;
  const where = serve === undefined ? [baseURL, model.model] : ['served', serve.weights ?? null, serve.revision ?? null, model.model];
  return canonicalJson({ endpoint: id ?? where, template: template ?? null });
}
