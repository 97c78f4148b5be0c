import type { EvaluateTask, RunSpec } from '../config/spec';
import type { EvaluateJobSpec } from '../services/python/job-specs';

/** What the job is told of thoughts, where the spec says anything. */
export function askedThinking({ thinking }: RunSpec['evaluate']): Pick<EvaluateJobSpec, 'thinking'> {
  return thinking === undefined ? {} : { thinking: { mode: thinking.mode, endToken: thinking.endToken ?? null } };
}

/** A task of the spec as the job takes it. */
export function pythonTask({
  task,
  data,
  limit,
  numFewshot,
  maxGenToks,
  metric,
  randomBaseline,
}: EvaluateTask): EvaluateJobSpec['tasks'][number] {
  return {
    task,
    data: data ?? null,
    limit: limit ?? null,
    numFewshot: numFewshot ?? null,
    maxGenToks: maxGenToks ?? null,
    metric: metric ?? null,
    randomBaseline: randomBaseline ?? null,
  };
}
