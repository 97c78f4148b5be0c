import type { RunSpec } from './spec';
import { showValue, type Finding } from './spec-errors';
import { trainingTraits } from './training-backends';
import { methodProblems } from './training-checks';
import { methodOf, namesMethod, specOf } from './training-method';
import { variantsOf } from './variants';

type Entry = Exclude<RunSpec['variants'][number], string>;
type OwnTraining = Extract<Entry, { readonly replay?: unknown }>;
type Interpolated = Extract<Entry, { readonly interpolate: unknown }>;

/** What is wrong with what a variant trains otherwise. */
export function overrideProblems(spec: RunSpec, { replay, train }: OwnTraining, at: readonly PropertyKey[]): Finding[] {
  if (train === undefined) {
    return replay === undefined
      ? [{ at: [...at, 'replay'], value: 'nothing', expected: 'what is mixed with the new data', hint: 'for new data alone write none' }]
      : [];
  }
  const findings: Finding[] = [];
  if (replay === undefined && !namesMethod(train)) {
    findings.push({
      at: [...at, 'replay'],
      value: 'nothing',
      expected: 'what is mixed with the new data, since `train` names no method',
      hint: 'for new data alone write none',
    });
  }
  if (replay === 'none' && methodOf(train) === 'distill') {
    findings.push({
      at: [...at, 'replay'],
      value: 'none with distill',
      expected: 'a replay set, whose questions are put to the model',
      hint: 'leave it out for the method’s',
    });
  }
  if (!trainingTraits(spec).readsWeights) {
    findings.push({
      at: [...at, 'train'],
      value: showValue(train),
      expected: `nothing, since ${JSON.stringify(spec.train.backend)} trains all rows alike`,
      hint: 'remove it, or train on workers (train.backend: trl)',
    });
    return findings;
  }
  return [...findings, ...methodProblems(train, specOf(spec, { train }).train, [...at, 'train'])];
}

/** What is wrong with an interpolation: a row that is not there, or has no weights of its own. */
export function interpolationProblems(spec: RunSpec, { interpolate }: Interpolated, at: readonly PropertyKey[]): Finding[] {
  const trained = variantsOf(spec).filter(({ replay }) => replay !== null && replay.kind !== 'interpolate');
  const names = trained.map(({ name }) => name);
  if (!trainingTraits(spec).readsWeights) {
    return [
      {
        at: [...at, 'interpolate'],
        value: showValue(interpolate.of),
        expected: `a training whose weights are here, but ${JSON.stringify(spec.train.backend)} keeps them`,
        hint: 'train on workers (train.backend: trl)',
      },
    ];
  }
  return names.includes(interpolate.of)
    ? []
    : [
        {
          at: [...at, 'interpolate', 'of'],
          value: showValue(interpolate.of),
          expected: names.length === 0 ? 'a row that is trained' : `a row that is trained: ${names.join(', ')}`,
          hint: 'add that row to variants',
        },
      ];
}
