import { modelsInUse } from '../config/models-in-use';
import type { RunSpec } from '../config/spec';

/** The lines of a card's table of the models that wrote or judged texts, and the terms that these are under. */
export function modelTerms(spec: RunSpec): string[] {
  const { respond, judge } = spec.synthesis;
  const roles = (name: string): string =>
    [
      name === spec.target.model ? 'target' : '',
      respond.generators.includes(name) ? 'generator' : '',
      judge.judges.includes(name) ? 'judge' : '',
    ]
      .filter((role) => role !== '')
      .join(', ');
  return [
    '\n## Models and their terms\n',
    'What a model wrote is under the terms of that model. Read them before you train on it or pass it on.\n',
    '| model | id | role | licence |\n| --- | --- | --- | --- |',
    ...modelsInUse(spec).map(
      (name) =>
        `| ${code(name)} | ${code(spec.models[name]?.model ?? '')} | ${roles(name)} | ${spec.models[name]?.licence ?? 'not stated in the spec'} |`,
    ),
  ];
}

/** A name as code of Markdown. */
export function code(value: string): string {
  return `\`${value.replaceAll('`', '')}\``;
}
