import { modelOf } from '../../../config/models-in-use';
import type { ModelSpec, RunSpec } from '../../../config/spec';
import { resolveTemplate, type BosHandling, type ChatTemplate } from '../../../method/templates';
import type { ContentIdentities } from '../../../stages/planned';
import { chatFormatOf } from '../../../templates/chat-format';

/** The chat templates that were read for a run, by model. */
export type OwnTemplates = ContentIdentities['templates'];

/** The API takes at most this many stop strings. */
const MAX_STOPS = 4;

/** A model's chat format: the spec's, else its own as it was read; undefined for a model that only has the chat API. */
export function formatOf(spec: Pick<RunSpec, 'models'>, name: string, own: OwnTemplates): ChatTemplate | undefined {
  const { template } = modelOf(spec, name);
  if (template !== undefined) return resolveTemplate(template);
  const read = own?.[name];
  return read === undefined ? undefined : chatFormatOf(read);
}

/** A model's chat format. @throws Error when it has none, which the checks at a run's start allow for chat-only models */
export function templateOf(spec: Pick<RunSpec, 'models'>, name: string, own?: OwnTemplates): ChatTemplate {
  const format = formatOf(spec, name, own);
  if (format === undefined) throw new Error(`models.${name} has no template; raw prompts need one`);
  return format;
}

/** The template's stop strings and the user's own, without repetition. */
export function stopStrings(template: readonly string[], own: readonly string[]): string[] {
  return [...new Set([...own, ...template])].slice(0, MAX_STOPS);
}

/** What the endpoint of a model does with a raw prompt, as far as the spec or a probe says it. */
export function bosHandling({ addsBos }: Pick<ModelSpec, 'addsBos'>): BosHandling {
  return addsBos === true ? 'adds' : 'flag';
}
