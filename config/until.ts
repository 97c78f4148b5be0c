import type { RunSpec } from './spec';
import type { Finding } from './spec-errors';
import { variantsOf, type Variant } from './variants';

/** Whether the run trains and evaluates: only then are weights, training settings and tasks looked at. */
export function trains({ until }: Pick<RunSpec, 'until'>): boolean {
  return until === undefined;
}

/** The variants that have something to do before the run ends. */
export function workingVariants(spec: Pick<RunSpec, 'until' | 'variants' | 'sweep' | 'mix'>): Variant[] {
  if (spec.until === 'replay') return variantsOf(spec).filter(({ replay }) => replay?.kind === 'own-answers');
  return variantsOf(spec).filter(({ replay }) => spec.until === undefined || (replay !== null && replay.kind !== 'interpolate'));
}

/** The variants whose replay sets the run makes: with nothing but these, only own answers. */
export function replaySetsOf(spec: Pick<RunSpec, 'until' | 'variants' | 'sweep' | 'mix'>): Variant[] {
  return spec.until === 'replay' ? workingVariants(spec) : variantsOf(spec);
}

/** What a run lacks that goes as far as this one. */
export function untilProblems({ until, mix }: RunSpec): Finding[] {
  if (until === 'replay' || mix.newData !== undefined) return [];
  return [
    {
      at: ['mix', 'newData'],
      value: 'nothing',
      expected: 'the new SFT data: a file, a data set ({files}, {hub} or {set}), or a list of data sets',
      hint: 'add it, or set until: replay for the replay set alone',
    },
  ];
}
