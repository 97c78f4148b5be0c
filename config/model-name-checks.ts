import { nearestNames } from '../method/nearest-names';
import type { RunSpec } from './spec';
import { showValue, type Finding } from './spec-errors';

/** Names of models that the spec uses: each must be under `models`, and stand once in a list. */
export function nameProblems(spec: RunSpec): Finding[] {
  const { respond, judge } = spec.synthesis;
  const models = Object.keys(spec.models);
  if (models.length === 0) {
    return [{ at: ['models'], value: 'an empty mapping', expected: 'at least one model endpoint', hint: 'add one with baseURL and model' }];
  }
  return [
    ...knownName(spec.target.model, models, ['target', 'model']),
    ...listOfNames(respond.generators, models, ['synthesis', 'respond', 'generators']),
    ...listOfNames(judge.judges, models, ['synthesis', 'judge', 'judges']),
    ...overrideNames(respond.perModel, respond.generators, ['synthesis', 'respond']),
    ...overrideNames(judge.perModel, judge.judges, ['synthesis', 'judge']),
  ];
}

function listOfNames(names: readonly string[], models: readonly string[], at: readonly PropertyKey[]): Finding[] {
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    if (first === index) return knownName(name, models, [...at, index]);
    return [
      {
        at: [...at, index],
        value: `${showValue(name)} a second time`,
        expected: 'each model once',
        hint: 'remove it, or give another deployment another name under models',
      },
    ];
  });
}

/** A name that must be under `models`. @param models names of all models @param at where the name stands */
export function knownName(name: string, models: readonly string[], at: readonly PropertyKey[]): Finding[] {
  if (models.includes(name)) return [];
  const near = nearestNames(name, models, 1)[0];
  return [
    {
      at,
      value: showValue(name),
      expected: `a name under models (${listed(models)})`,
      hint: near === undefined ? `add ${JSON.stringify(name)} under models` : `did you mean ${JSON.stringify(near)}?`,
    },
  ];
}

function overrideNames(perModel: Readonly<Record<string, unknown>>, used: readonly string[], at: readonly PropertyKey[]): Finding[] {
  const list = at.at(-1) === 'respond' ? 'generators' : 'judges';
  return Object.keys(perModel)
    .filter((name) => !used.includes(name))
    .map((name) => {
      const near = nearestNames(name, used, 1)[0];
      return {
        at: [...at, 'perModel', name],
        value: `sampling for ${showValue(name)}`,
        expected: `one of the ${list} (${listed(used)})`,
        hint: near === undefined ? `remove it or add it to ${list}` : `did you mean ${JSON.stringify(near)}?`,
      };
    });
}

function listed(names: readonly string[]): string {
  return names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`;
}
