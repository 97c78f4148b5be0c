import { HELD_OUT, evaluationRow, type StageProgress, waiting } from '../../contract/progress';
import type { RunOutline, VariantOutline } from '../../contract/run';

/** Rows of the synthesis of `instructions` instructions. */
export function synthesisRows(run: RunOutline, instructions: number): StageProgress[] {
  return [
    ...extractRows(run, instructions),
    ...(run.filter === undefined ? [] : [waiting('filter', '', instructions)]),
    ...answerRows(run, instructions),
  ];
}

export function extractRows(run: RunOutline, instructions: number): StageProgress[] {
  return [waiting('extract', run.target, instructions)];
}

/** Rows of what is done with `instructions` instructions once they are there. */
export function answerRows(run: RunOutline, instructions: number): StageProgress[] {
  const responses = instructions * run.samples;
  return [
    ...run.generators.map((generator) => waiting('respond', generator, responses)),
    ...run.judges.map((judge) => waiting('judge', judge, responses * run.generators.length)),
    waiting('select', '', instructions),
  ];
}

/** Row of what is kept back from training. */
export function holdOutRows(run: RunOutline): StageProgress[] {
  return run.holdOut === undefined ? [] : [waiting('holdout', '', 1)];
}

/** Rows of one variant; the official model is only evaluated. */
export function variantRows(run: RunOutline, { name, replay }: VariantOutline): StageProgress[] {
  const evaluation = [...run.tasks, ...(run.holdOut === undefined ? [] : [HELD_OUT])].map((task) =>
    waiting('evaluate', evaluationRow(name, task), 1),
  );
  if (replay === null) return evaluation;
  const own = replay === 'method' || replay === 'none' ? [] : [waiting('replay', name, 1)];
  return [...own, waiting('mix', name, 1), waiting('train', name, run.trainSteps ?? 1), ...evaluation];
}
