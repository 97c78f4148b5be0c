import type { ModelSpec } from '../config/spec';
import { keyedRequest } from '../config/spec-request';
import { canonicalJson } from '../method/canonical-json';

/** Who answers: the same id means the same weights, wherever they are served. */
export function modelIdentity(model: ModelSpec): string {
  const { id, serve, baseURL, template, addsBos, tellsEnds } = model;
  const where = serve === undefined ? [baseURL, model.model] : ['served', serve.weights ?? null, serve.revision ?? null, model.model];
  const request = keyedRequest(model.request);
  // Absent where nothing is set, as in keys made before there was such a thing.
  return canonicalJson({
    endpoint: id ?? where,
    template: template ?? null,
    ...(request === undefined ? {} : { request }),
    ...(addsBos === true ? { addsBos } : {}),
    ...(tellsEnds === false ? { tellsEnds } : {}),
  });
}
