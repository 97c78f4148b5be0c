const TASK_NAMES: Readonly<Record<string, string>> = { mmlu_pro: 'MMLU-Pro', gpqa: 'GPQA', ifeval: 'IFEval', math_level_5: 'MATH level 5' };

/** A task as the field writes it. */
export function taskName(task: string): string {
  return TASK_NAMES[task] ?? task;
}
