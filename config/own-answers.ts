import type { RunSpec } from './spec';
import { variantsOf, type OwnAnswers } from './variants';

type Rows = Pick<RunSpec, 'variants' | 'sweep' | 'mix'>;

/** A row of the table whose replay set is the target's own answers. */
export interface OwnAnswersRow {
  readonly name: string;
  readonly own: OwnAnswers;
}

/** The rows whose replay sets are the target's own answers to the prompts of data sets. */
export function ownAnswersRows(spec: Rows): OwnAnswersRow[] {
  return variantsOf(spec).flatMap(({ name, replay }) => (replay?.kind === 'own-answers' ? [{ name, own: replay }] : []));
}

/**
 * Whether a run extracts instructions and makes the method's replay set of them. Every run does, but one whose rows take nothing of it
 * and have own answers instead: that needs no raw completions.
 */
export function extracts(spec: Rows): boolean {
  const kinds = variantsOf(spec).map(({ replay }) => replay?.kind);
  return !kinds.includes('own-answers') || kinds.some((kind) => kind === 'method' || kind === 'first-response' || kind === 'target-best');
}

/** The row whose set says how much is mixed, where there is none of the method: the first with own answers. */
export function baseRow(spec: Rows): OwnAnswersRow | undefined {
  return extracts(spec) ? undefined : ownAnswersRows(spec)[0];
}

/**
 * A spec as one row's own answers are made: the target alone answers, once or as often as generators do, and the judges are those of the
 * method, or none.
 */
export function ownAnswersSpec(spec: RunSpec, { pick }: OwnAnswers): RunSpec {
  const { respond, judge, quality: _extracted, ...rest } = spec.synthesis;
  return {
    ...spec,
    synthesis: {
      ...rest,
      respond: { ...respond, generators: [spec.target.model], samples: pick === 'first' ? 1 : respond.samples },
      judge: { ...judge, judges: pick === 'first' ? [] : judge.judges },
    },
  };
}
