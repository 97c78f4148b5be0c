import { HELD_OUT, evaluationRow, rowKey, type StageProgress, waiting } from '../../contract/progress';
import type { RunOutline, VariantOutline } from '../../contract/run';
import type { ShardInput } from '../../contract/workflows';
import { loadsReplaySet } from '../replay-sets';

/** Rows of all of a run. */
export function runRows(run: RunOutline): StageProgress[] {
  return [
    ...synthesisRows(run),
    ...(run.holdOut === undefined ? [] : [waiting('holdout', '', 1)]),
    ...run.variants.flatMap((variant) => variantRows(run, variant)),
    waiting('report', '', 1),
  ];
}

/** Rows of the synthesis. */
export function synthesisRows(run: RunOutline): StageProgress[] {
  const { instructions } = run;
  if (run.shards === 0) return withOwnAnswers(run, []);
  return [
    ...extractRows(run, instructions),
    ...(run.filter === undefined ? [] : [waiting('filter', '', instructions)]),
    ...withOwnAnswers(run, answerRows(run, instructions)),
  ];
}

/** Rows of one shard, or of one phase of it. */
export function shardRows(shard: ShardInput): StageProgress[] {
  const { phase, size } = shard;
  return [...(phase === 'answer' ? [] : extractRows(shard, size)), ...(phase === 'extract' ? [] : answerRows(shard, size))];
}

/** Row of the filters while they are at work. */
export function filteringRow(run: RunOutline): StageProgress {
  return { ...waiting('filter', '', run.instructions), state: 'running' };
}

/** Rows of the filters, which are done, and of what is answered now. @param kept how many instructions the filters kept, by shard */
export function filteredRows(run: RunOutline, kept: readonly number[]): StageProgress[] {
  const { instructions } = run;
  const answered = kept.reduce((sum, count) => sum + count, 0);
  const filtered: StageProgress = {
    ...waiting('filter', '', instructions),
    done: instructions,
    failed: instructions - answered,
    state: 'done',
    note: `${answered} kept`,
  };
  return [filtered, ...withOwnAnswers(run, answerRows(run, answered))];
}

/** Items of the row of a variant's training: its steps, or the training as one where they are not known. */
export function trainItems({ trainSteps }: RunOutline, variant: VariantOutline): number {
  return (variant.trainSteps === undefined ? trainSteps : variant.trainSteps) ?? 1;
}

/** Rows of one variant. */
export function variantRows(run: RunOutline, variant: VariantOutline): StageProgress[] {
  const { name, replay } = variant;
  const held = run.holdOut === undefined || run.until !== undefined ? [] : [HELD_OUT];
  const evaluation = [...run.tasks, ...held].map((task) => waiting('evaluate', evaluationRow(name, task), 1));
  if (replay === null) return evaluation;
  if (replay === 'interpolate') return [waiting('train', name, 1), ...evaluation];
  const own = loadsReplaySet(replay) ? [waiting('replay', name, 1)] : [];
  const training = run.until === undefined ? [waiting('train', name, trainItems(run, variant))] : [];
  if (run.until === 'replay') return own;
  return [...own, waiting('mix', name, 1), ...training, ...evaluation];
}

/** The rows with what the target answers by itself: its calls and the judges' count with those of the method. */
function withOwnAnswers(run: RunOutline, method: readonly StageProgress[]): StageProgress[] {
  const rows = [...method];
  const add = (row: StageProgress): void => {
    const at = rows.findIndex((each) => rowKey(each) === rowKey(row));
    if (at >= 0) rows[at] = { ...rows[at]!, total: rows[at]!.total + row.total };
    else rows.push(row);
  };
  for (const { name, prompts, samples, judges } of run.ownAnswers ?? []) {
    add(waiting('respond', run.target, prompts * samples));
    for (const judge of judges) add(waiting('judge', judge, prompts * samples));
    if (judges.length > 0) add(waiting('select', name, prompts));
  }
  return rows;
}

function extractRows(run: RunOutline, instructions: number): StageProgress[] {
  return [waiting('extract', run.target, instructions)];
}

/** Rows of what is done with `instructions` instructions once they are there. */
function answerRows(run: RunOutline, instructions: number): StageProgress[] {
  const responses = instructions * run.samples;
  return [
    ...run.generators.map((generator) => waiting('respond', generator, responses)),
    ...run.judges.map((judge) => waiting('judge', judge, responses * run.generators.length)),
    ...(run.judges.length === 0 ? [] : [waiting('select', run.own ?? '', instructions)]),
  ];
}
