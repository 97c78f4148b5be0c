import type { RunOutline, StageProgress } from './types';
import { waiting } from './progress';

/** Rows of the synthesis of `instructions` instructions. */
export function synthesisRows(run: RunOutline, instructions: number): StageProgress[] {
  const responses = instructions * run.samples;
  return [
    waiting('extract', run.target, instructions),
    ...run.generators.map((generator) => waiting('respond', generator, responses)),
    ...run.judges.map((judge) => waiting('judge', judge, responses * run.generators.length)),
    waiting('select', '', instructions),
  ];
}

/** Rows of one variant; the official model is only evaluated. */
export function variantRows(run: RunOutline, variant: string): StageProgress[] {
  const evaluation = waiting('evaluate', variant, run.tasks.length);
  if (variant === 'official') return [evaluation];
  return [waiting('mix', variant, 1), waiting('train', variant, run.trainSteps ?? 1), evaluation];
}
