import type { RunSpec } from '../../config/spec';
import type { SpecProblem } from '../../config/spec-errors';
import { modelsWithOwnTemplate, templatePlaces, type TemplatePlaceOfModel } from '../../config/template-places';
import type { ReadTemplate } from '../../templates/read-template';
import type { HubEnvironment } from './hub-repository';
import { readTemplate } from './read-template';
import { TemplateNotReadError } from './template-error';

export interface ModelTemplatesOptions {
  /** What templates are told that ask for the date, `YYYY-MM-DD`. */
  readonly date: string;
  readonly env: HubEnvironment;
  /** Directory of the weights of a `builtin:` model; without it, such a template counts as not reached. */
  readonly builtin?: ((weights: string) => Promise<string>) | undefined;
  /** What an earlier start of the run has read, for a place that cannot be reached now. */
  readonly earlier?: Readonly<Record<string, ReadTemplate>> | undefined;
}

/** The templates that were read, by model, and what keeps others from being read. */
export interface ModelTemplates {
  readonly templates: Readonly<Record<string, ReadTemplate>>;
  readonly problems: readonly SpecProblem[];
  /** What another machine, or another try, may read: one sentence each. */
  readonly unreached: readonly string[];
}

const BUILTIN_PREFIX = 'builtin:';

/** Reads the chat template of each model of a spec that is to have its own: of the target, and of those that name a tokenizer. */
export async function readModelTemplates(spec: RunSpec, options: ModelTemplatesOptions): Promise<ModelTemplates> {
  const templates: Record<string, ReadTemplate> = {};
  const problems: SpecProblem[] = [];
  const unreached: string[] = [];
  for (const name of modelsWithOwnTemplate(spec)) {
    const errors: TemplateNotReadError[] = [];
    for (const place of templatePlaces(spec, name)) {
      const read = await readFrom(place, options);
      if (!(read instanceof TemplateNotReadError)) {
        templates[name] = read;
        break;
      }
      errors.push(read);
      if (read.isPassing) break; // what is behind it is not known, so the next place must not be taken for it
    }
    if (templates[name] !== undefined) continue;
    const why = errors.map(({ message }) => message).join('; ');
    const known = options.earlier?.[name];
    if (!errors.some(({ isPassing }) => isPassing)) problems.push(problemOf(spec, name, why));
    else if (known !== undefined && isOf(known, templatePlaces(spec, name))) templates[name] = known;
    else unreached.push(`models.${name}.template: its own chat template was not read: ${why}`);
  }
  return { templates, problems, unreached };
}

async function readFrom(
  { place, revision }: TemplatePlaceOfModel,
  { date, env, builtin }: ModelTemplatesOptions,
): Promise<ReadTemplate | TemplateNotReadError> {
  try {
    if (!place.startsWith(BUILTIN_PREFIX)) return await readTemplate({ place, revision }, { date, env });
    if (builtin === undefined) return new TemplateNotReadError(`${place} is made on the workers' machine`, true);
    return await readTemplate({ place: await builtin(place) }, { date, env });
  } catch (error) {
    if (error instanceof TemplateNotReadError) return error;
    throw error;
  }
}

function isOf({ source }: ReadTemplate, places: readonly TemplatePlaceOfModel[]): boolean {
  return places.some(({ place, revision }) => place === source.place && revision === source.revision);
}

function problemOf(spec: RunSpec, name: string, why: string): SpecProblem {
  const own = spec.models[name]?.tokenizer;
  return {
    path: own === undefined ? `models.${name}.template` : `models.${name}.tokenizer`,
    value: own === undefined ? 'nothing' : JSON.stringify(own),
    expected: `a model with a chat template that can be read (${why})`,
    hint: `name a directory, a hub id or a GGUF file that has it under models.${name}.tokenizer, or its format under models.${name}.template`,
  };
}
