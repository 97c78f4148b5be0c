import { nearestNames } from '../method/nearest-names';
import { isLeaderboardTask, isMultipleChoice, LEADERBOARD_TASKS, TASK_SPLITS } from './evaluation-splits';
import type { EvaluateTask, RunSpec } from './spec';
import { anyOf, showValue, type Finding } from './spec-errors';

/** Tasks named twice, and local data whose splits are not those that the task reads. */
export function evaluationProblems(tasks: readonly EvaluateTask[]): Finding[] {
  return tasks.flatMap((task, index): Finding[] => {
    const at = ['evaluate', 'tasks', index];
    const findings: Finding[] = [];
    if (tasks.findIndex((other) => other.task === task.task) !== index) {
      findings.push({
        at: [...at, 'task'],
        value: `${showValue(task.task)} a second time`,
        expected: 'each task once',
        hint: 'remove one of the two',
      });
    }
    if (!isLeaderboardTask(task.task)) return [...findings, ...otherTaskProblems(task, at)];
    for (const key of ['metric', 'randomBaseline'] as const) {
      if (task[key] !== undefined) {
        findings.push({
          at: [...at, key],
          value: showValue(task[key]),
          expected: `nothing for ${task.task}, whose scoring is the leaderboard's`,
          hint: 'remove it',
        });
      }
    }
    if (task.data === undefined) return findings;
    const { test, fewshot } = TASK_SPLITS[task.task];
    const known = fewshot === undefined ? [test] : [test, fewshot];
    const unknown = Object.keys(task.data).filter((split) => !known.includes(split));
    for (const split of unknown) {
      const near = nearestNames(split, known, 1)[0] ?? test;
      findings.push({
        at: [...at, 'data', split],
        value: `the split ${showValue(split)}`,
        expected: `${anyOf(known)} for ${task.task}`,
        hint: `did you mean ${JSON.stringify(near)}?`,
      });
    }
    const needed = fewshot === undefined || task.numFewshot === 0 ? [test] : known;
    for (const split of needed) {
      // A misnamed split is the missing one.
      if (Object.hasOwn(task.data, split) || unknown.length > 0) continue;
      const hint = split === fewshot ? `add its file (few-shot examples come from it), or set numFewshot: 0` : 'add its file';
      findings.push({
        at: [...at, 'data', split],
        value: 'nothing',
        expected: `a JSONL file for the split ${JSON.stringify(split)}`,
        hint,
      });
    }
    return findings;
  });
}

/** Tasks that a model which thinks before it answers cannot be scored by. */
export function thinkingProblems({ tasks, thinking }: RunSpec['evaluate']): Finding[] {
  if (thinking?.mode !== 'on') return [];
  return tasks.flatMap(({ task, maxGenToks }, index): Finding[] => {
    const at = ['evaluate', 'tasks', index];
    if (isMultipleChoice(task)) {
      const instead = task === 'gpqa' ? 'gpqa_main_cot_zeroshot' : `${task}_generative`;
      const expected = 'a task in which a model that thinks writes its answer, since evaluate.thinking is on';
      return [{ at: [...at, 'task'], value: showValue(task), expected, hint: `use ${instead}, or set evaluate.thinking: { mode: off }` }];
    }
    if (maxGenToks !== undefined) return [];
    const expected = `room for thoughts and answer, since evaluate.thinking is on`;
    return [{ at: [...at, 'maxGenToks'], value: 'nothing', expected, hint: 'set it, to 16384 for instance' }];
  });
}

/** A misspelt leaderboard task would be looked for among the harness's thousands only when its turn comes, days later. */
function otherTaskProblems({ task, data }: EvaluateTask, at: readonly PropertyKey[]): Finding[] {
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const meant = LEADERBOARD_TASKS.find((name) => plain(name) === plain(task)) ?? (plain(task) === 'mathlvl5' ? 'math_level_5' : undefined);
  return [
    ...(meant === undefined
      ? []
      : [{ at: [...at, 'task'], value: showValue(task), expected: 'the name of a task', hint: `did you mean ${JSON.stringify(meant)}?` }]),
    ...(data === undefined
      ? []
      : [
          {
            at: [...at, 'data'],
            value: `local data for ${showValue(task)}`,
            expected: `it with ${anyOf(LEADERBOARD_TASKS)} only`,
            hint: 'remove it: the task says itself where its documents are',
          },
        ]),
  ];
}
