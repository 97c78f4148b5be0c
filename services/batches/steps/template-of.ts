import type { ModelSpec } from '../../../config/spec';
import type { BosHandling } from '../../../method/templates';

/** The API takes at most this many stop strings. */
const MAX_STOPS = 4;

/** A model's chat format. @throws Error when it has none, which the spec's checks allow for chat-only models */
export function templateOf(model: ModelSpec, name: string): NonNullable<ModelSpec['template']> {
  if (model.template === undefined) throw new Error(`models.${name} has no template; raw prompts need one`);
  return model.template;
}

/** The template's stop strings and the user's own, without repetition. */
export function stopStrings(template: readonly string[], own: readonly string[]): string[] {
  return [...new Set([...own, ...template])].slice(0, MAX_STOPS);
}

/** What the endpoint of a model does with a raw prompt, as far as the spec or a probe says it. */
export function bosHandling({ addsBos }: Pick<ModelSpec, 'addsBos'>): BosHandling {
  return addsBos === true ? 'adds' : 'flag';
}
