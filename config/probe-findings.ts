import { stringify } from 'yaml';
import type { Usage } from '../method/records';
import type { ModelSpec, RunSpec } from './spec';
import type { RequestSpec } from './spec-request';

/** What an endpoint was found to want otherwise, and what is worth knowing of it. */
export interface ProbeFindings {
  /** Settings that it needs, as the spec would say them. */
  readonly settings: ProbedSettings;
  /** Sentences for people, without the model's name. */
  readonly notes: readonly string[];
  /** What asking took, in tokens; absent where an earlier release asked. */
  readonly usage?: Usage;
}

/** The part of a model's spec that a probe may find. */
export interface ProbedSettings {
  readonly request?: Pick<RequestSpec, 'body' | 'omit' | 'rename'>;
  readonly supportsN?: false;
  readonly addsBos?: true;
  readonly tellsEnds?: false;
}

export type FindingsByModel = Readonly<Record<string, ProbeFindings>>;

/** The spec with what was found of its models, as if it had said so itself. */
export function withFindings(spec: RunSpec, findings: FindingsByModel): RunSpec {
  const models = Object.entries(spec.models).map(([name, model]): [string, ModelSpec] => {
    const settings = Object.hasOwn(findings, name) ? findings[name]!.settings : {};
    return [name, withSettings(model, settings)];
  });
  return { ...spec, models: Object.fromEntries(models) };
}

/** One model with what was found of it. */
export function withSettings(model: ModelSpec, { request, supportsN, addsBos, tellsEnds }: ProbedSettings): ModelSpec {
  return {
    ...model,
    ...(supportsN === undefined ? {} : { supportsN }),
    ...(addsBos === undefined ? {} : { addsBos }),
    ...(tellsEnds === undefined ? {} : { tellsEnds }),
    ...(request === undefined ? {} : { request: mergedRequest(model.request ?? {}, request) }),
  };
}

/** Both settings of requests; the second goes before the first. */
export function mergedRequest(own: RequestSpec, found: RequestSpec): RequestSpec {
  const body = { ...own.body, ...found.body };
  const omit = [...new Set([...(own.omit ?? []), ...(found.omit ?? [])])];
  const rename = { ...own.rename, ...found.rename };
  return {
    ...own,
    ...(Object.keys(body).length === 0 ? {} : { body }),
    ...(omit.length === 0 ? {} : { omit }),
    ...(Object.keys(rename).length === 0 ? {} : { rename }),
  };
}

/** The lines of the spec that say what was found: `models.gpt.request: {omit: [seed]}`. */
export function findingLines(name: string, { settings }: ProbeFindings): string[] {
  return Object.entries(settings).map(([key, value]) => `models.${name}.${key}: ${flow(value)}`);
}

/** A value in one line of YAML. */
export function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim();
}
