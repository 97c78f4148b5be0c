import type { RunOutline, StageProgress, VariantOutline } from '../../contract/types';
import { waiting } from './progress-table';

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

/** What stands in the model's column of a task's row. A task that is done counts its documents; before, nobody knows them. */
export function evaluationRow(variant: string, task: string): string {
  return `${variant}/${task}`;
}

/** Stands beside the tasks: the loss on what was kept back from training. */
export const HELD_OUT = 'held-out loss';

/** Note of an evaluation's heartbeats that count its requests to the model: one for each choice, or one for each text. */
export const EVALUATION_REQUESTS = 'requests';
