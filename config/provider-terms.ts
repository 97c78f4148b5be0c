import type { RunSpec } from './spec';
import type { SpecWarning } from './spec-errors';

/** Hosts of APIs whose terms speak of training with what their models write; docs/endpoints.md says where to look. */
const WITH_TERMS: readonly string[] = [
  'api.openai.com',
  'openai.azure.com',
  'services.ai.azure.com',
  'api.anthropic.com',
  'generativelanguage.googleapis.com',
  'api.mistral.ai',
  'api.deepseek.com',
  'openrouter.ai',
];

/** Generators behind such an API whose terms the spec does not note: what they write becomes training data. */
export function termsWarnings({ models, synthesis }: RunSpec): SpecWarning[] {
  return synthesis.respond.generators.flatMap((name): SpecWarning[] => {
    const model = models[name];
    if (model === undefined || model.licence !== undefined || model.serve !== undefined) return [];
    const { hostname } = new URL(model.baseURL);
    if (!WITH_TERMS.some((host) => hostname === host || hostname.endsWith(`.${host}`))) return [];
    return [
      {
        path: `models.${name}.licence`,
        message: `the terms of ${hostname} say whether a model may be trained on what it writes (docs/endpoints.md, Terms); note here what you found.`,
      },
    ];
  });
}
