import { extracts } from './own-answers';
import type { RunSpec } from './spec';

/** Where a model's own chat template may be read, and the field that says so. */
export interface TemplatePlaceOfModel {
  /** A directory or GGUF file as a path, a hub id, or `builtin:…`. */
  readonly place: string;
  readonly revision?: string;
  readonly field: string;
}

/** Whether a model id can be one of the hub's: OWNER/NAME. */
export function looksLikeHubId(id: string): boolean {
  return /^[A-Za-z0-9][\w.-]*\/[\w.-]+$/.test(id);
}

/** What decides whose format is read. */
type Formats = Pick<RunSpec, 'models' | 'target' | 'variants' | 'sweep' | 'mix'>;

/**
 * Names of the models whose chat format is read from a tokenizer: the target, and those that name one, unless `template` says it. A target
 * that is only chatted with, and has no weights here, needs none.
 */
export function modelsWithOwnTemplate(spec: Formats): string[] {
  const { models, target } = spec;
  const needed = target.weights !== undefined || extracts(spec);
  return Object.entries(models)
    .filter(([name, { template, tokenizer }]) => template === undefined && (tokenizer !== undefined || (name === target.model && needed)))
    .map(([name]) => name);
}

/** Whether raw prompts can be written for a model: the spec names its format, or it is read. */
export function hasChatFormat(spec: Formats, name: string): boolean {
  return spec.models[name]?.template !== undefined || modelsWithOwnTemplate(spec).includes(name);
}

function revisionOf(revision: string | undefined): { readonly revision?: string } {
  return revision === undefined ? {} : { revision };
}

/**
 * Where the chat template of such a model is looked for, in this order: its `tokenizer` alone, where it names one; else the target's
 * weights, those that are served, then the repository of that name on the hub.
 */
export function templatePlaces({ models, target }: Pick<RunSpec, 'models' | 'target'>, name: string): TemplatePlaceOfModel[] {
  const model = models[name];
  if (model?.tokenizer !== undefined) return [{ place: model.tokenizer, field: `models.${name}.tokenizer` }];
  if (model === undefined || name !== target.model) return [];
  const { weights, revision } = target;
  const places = [
    ...(weights === undefined ? [] : [{ place: weights, ...revisionOf(revision), field: 'target.weights' }]),
    ...(model.serve?.weights === undefined
      ? []
      : [{ place: model.serve.weights, ...revisionOf(model.serve.revision), field: `models.${name}.serve.weights` }]),
    ...(looksLikeHubId(model.model) ? [{ place: model.model, field: `models.${name}.model` }] : []),
  ];
  return places.filter(({ place }, index) => places.findIndex((other) => other.place === place) === index);
}
