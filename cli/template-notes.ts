import type { RunSpec } from '../config/spec';
import { modelsWithOwnTemplate } from '../config/template-places';
import { resolveTemplate } from '../method/templates';
import type { SpecFilesReport } from '../services/runs/spec-files';

/** Which chat format a model has in a run, and where it came from. */
export interface TemplateNote {
  readonly model: string;
  /** Where it was read, or that the spec names it; null where it was not read. */
  readonly from: string | null;
  /** What extraction sends before an instruction; null where it was not read. */
  readonly preQuery: string | null;
  readonly stop: readonly string[];
  /** What the template was told the date is, where it asks. */
  readonly date?: string;
}

/** The chat formats of a spec: of the target, and of every other model that has one. */
export function templateNotes(spec: RunSpec, { templates }: Pick<SpecFilesReport, 'templates'>): TemplateNote[] {
  const own = modelsWithOwnTemplate(spec);
  return Object.entries(spec.models).flatMap(([model, { template }]): TemplateNote[] => {
    if (template !== undefined) {
      const { name, preQuery, stop } = resolveTemplate(template);
      const from = name === 'literal' ? 'written out in the spec' : `${name}, named in the spec`;
      return [{ model, from, preQuery, stop }];
    }
    if (!own.includes(model)) return [];
    const read = templates[model];
    if (read === undefined) return [{ model, from: null, preQuery: null, stop: [] }];
    const { source, preQuery, stop, date } = read;
    const revision = source.revision === undefined ? '' : ` at ${source.revision}`;
    const from = `${source.file} of ${source.place}${revision}`;
    return [{ model, from, preQuery, stop, ...(date === undefined ? {} : { date }) }];
  });
}

/** One line: which format, and the text that stands before an instruction, quoted so that its line breaks can be seen. */
export function templateLine({ from, preQuery, date }: TemplateNote): string {
  if (from === null || preQuery === null) return 'not read here; the cpu worker that starts the run reads it';
  return `${from}${date === undefined ? '' : `, told that it is ${date}`}; before an instruction stands ${JSON.stringify(preQuery)}`;
}
