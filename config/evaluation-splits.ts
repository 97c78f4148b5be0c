import type { LeaderboardTask } from '../method/forgetting';

interface TaskSplits {
  /** Split that is evaluated. */
  readonly test: string;
  /** Split that few-shot examples come from, where it is another. */
  readonly fewshot?: string;
}

/** Splits that the leaderboard's task code reads (lm_eval/tasks/leaderboard). */
export const TASK_SPLITS: Readonly<Record<LeaderboardTask, TaskSplits>> = {
  mmlu_pro: { test: 'test', fewshot: 'validation' },
  gpqa: { test: 'train' },
  ifeval: { test: 'train' },
  math_level_5: { test: 'test' },
};

export const LEADERBOARD_TASKS = Object.keys(TASK_SPLITS) as LeaderboardTask[];

/** Whether a task is one of the leaderboard's, whose data, metric and baseline are known here. */
export function isLeaderboardTask(task: string): task is LeaderboardTask {
  return Object.hasOwn(TASK_SPLITS, task);
}

/** Whether a leaderboard task compares the probabilities of given answers; in the others the model writes one. */
export function isMultipleChoice(task: string): boolean {
  return task === 'mmlu_pro' || task === 'gpqa';
}
